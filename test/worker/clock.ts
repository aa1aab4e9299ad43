import { clock, type Clock } from '../../src/clock.ts'

/** How often a timer looks whether its time has come, in milliseconds of the machine. */
const LOOK_EVERY = 10

/**
 * A day ahead of the machine's time. The platform rings alarms by the machine's time, so none rings by
 * itself.
 */
let time = Date.now() + 86_400_000

/**
 * The clock of everything that runs in workerd here. It stands still until a test turns it. A test rings
 * alarms with `runDurableObjectAlarm`.
 */
const standing: Clock = {
  now: () => time,
  // A callback has to run in the request or object that asked for it, so each timer looks at the clock by
  // itself.
  after(ms, callback) {
    const due = time + ms
    let timer = setTimeout(look, 0)
    function look(): void {
      if (time >= due) {
        callback()
      } else {
        timer = setTimeout(look, LOOK_EVERY)
      }
    }
    return () => {
      clearTimeout(timer)
    }
  },
}

export { clock }

/** Replaces the platform's clock by this one. */
export function stopClock(): void {
  Object.assign(clock, standing)
}

/** Lets so many milliseconds pass. Timers that become due run soon after. */
export function turn(ms: number): void {
  time += ms
}

/**
 * Lets so many milliseconds pass, and waits until every timer has looked at the clock. Timers of the
 * machine fire in the order of their times, so each has looked by then.
 */
export async function turnTimers(ms: number): Promise<void> {
  turn(ms)
  await new Promise((resolve) => {
    setTimeout(resolve, 2 * LOOK_EVERY)
  })
}

/** The time so many milliseconds from now, as the API takes it. */
export function fromNow(ms: number): string {
  return new Date(time + ms).toISOString()
}
