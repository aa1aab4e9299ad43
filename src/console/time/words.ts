/** Times in words: pure, in the zone of the reader's browser. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const full = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})
const hour = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** “3 min ago”, “in 41 days”; the date alone when it is more than a week ago. */
export function relative(time: number, now: number): string {
  const distance = Math.abs(now - time)
  if (distance < MINUTE) {
    return 'just now'
  }
  if (now > time && distance >= 7 * DAY) {
    return day.format(time)
  }
  const words =
    distance < HOUR
      ? `${Math.floor(distance / MINUTE)} min`
      : distance < DAY
        ? `${Math.floor(distance / HOUR)} h`
        : counted(Math.floor(distance / DAY), 'day')
  return now > time ? `${words} ago` : `in ${words}`
}

/** With the day of the week, seconds and zone. */
export function absolute(time: number): string {
  return full.format(time)
}

export function clockTime(time: number): string {
  return hour.format(time)
}

/** “1 device”, “1,240 devices”. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`
}

/** How near an end is. Nothing warns of one that is further away than 60 days. */
export function endTone(time: number, now: number): 'bad' | 'warn' | 'good' {
  const left = time - now
  return left <= 14 * DAY ? 'bad' : left <= 60 * DAY ? 'warn' : 'good'
}
