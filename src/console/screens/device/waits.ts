import type { Schema } from '../../api/types.ts'
import { counted, relative } from '../../time/words.ts'
import { HELD_WORDS } from '../../api/command-words.ts'

type Command = Schema<'Command'>

/** What is known beside the command itself. */
export interface Around {
  readonly state: Schema<'Device'>['state']
  readonly push: Schema<'Device'>['push_state']
  readonly pushReason: string | null
  /** When the server pushes again at the latest. */
  readonly nextPush: string | null
  /** The server’s time, in milliseconds. */
  readonly now: number
}

/** Why a command is not carried out yet, and what happens next: a sentence without its full stop. */
export function whyItWaits(command: Command, around: Around): string {
  const { expires_at: expires } = command
  const end = expires === null ? '' : `; it expires ${relative(Date.parse(expires), around.now)}`
  return reasonOf(command, around) + end
}

function reasonOf(command: Command, around: Around): string {
  const { now } = around
  switch (command.state) {
    case 'held':
      return command.held_for === null
        ? `Waits for its time: ${moment(command.not_before, now)}`
        : HELD_WORDS[command.held_for]
    case 'not_now':
      return (
        `NotNow, ${times(command.not_nows)} since ${moment(command.not_now_since, now)}` +
        again('asked again', around)
      )
    case 'sent':
      return (
        `Given ${ago(command.last_handed_out_at, now)}` +
        `${command.hand_outs > 1 ? ` for the ${ordinal(command.hand_outs)} time` : ''}; no answer yet`
      )
    case 'stalled':
      return (
        `The device has connected 3 times without an answer to it, last given ` +
        `${ago(command.last_handed_out_at, now)}. It is behind the others now`
      )
    default:
      return waitingReason(command, around)
  }
}

function waitingReason(command: Command, around: Around): string {
  const { state, push, pushReason, now } = around
  if (state !== 'enrolled') {
    return state === 'authenticated'
      ? 'Waits until the enrolment is done'
      : 'Waits until the device enrols'
  }
  if (push === 'none') {
    return 'Waits until the device connects by itself: it has no push token'
  }
  if (push === 'failing') {
    return `Waits until the device connects by itself: APNs refuses its token (${pushReason ?? 'no reason'})`
  }
  const { pushed } = command
  if (!pushed) {
    return `Waits, not pushed yet${again('pushed', around)}`
  }
  return pushed.outcome === 'delivered'
    ? `Pushed ${ago(pushed.at, now)}, the device has not come yet${again('pushed again', around)}`
    : `The push failed ${ago(pushed.at, now)}: ${pushed.detail}${again('tried again', around)}`
}

/** “; asked again within 2 h”. Nothing where no push is due, or none would arrive. */
function again(verb: string, { nextPush, now, push }: Around): string {
  if (nextPush === null || push !== 'ready') {
    return ''
  }
  const left = Date.parse(nextPush) - now
  return left <= 60_000 ? `; ${verb} within a minute` : `; ${verb} within ${span(left)}`
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Rounded up, because it is a promise. */
function span(milliseconds: number): string {
  return milliseconds <= HOUR
    ? `${Math.ceil(milliseconds / MINUTE)} min`
    : `${Math.ceil(milliseconds / HOUR)} h`
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : counted(count, 'time')
}

function ordinal(count: number): string {
  const words: Readonly<Record<number, string>> = { 2: 'second', 3: 'third' }
  return words[count] ?? `${count}th`
}

function ago(at: string | null, now: number): string {
  return at === null ? 'at an unknown time' : relative(Date.parse(at), now)
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short' })
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'short' })

/** “14:02” of today, “Tue 14:02” within six days, else “24 Nov 14:02”, in the zone of the reader. */
function moment(at: string | null, now: number): string {
  if (at === null) {
    return 'an unknown time'
  }
  const time = Date.parse(at)
  if (day.format(time) === day.format(now)) {
    return clock.format(time)
  }
  const isNear = Math.abs(now - time) < 6 * 24 * HOUR
  return `${isNear ? weekday.format(time) : date.format(time)} ${clock.format(time)}`
}
