import type { Clock } from '../../src/clock.ts'

/** How often a timer looks whether its time has come. */
const LOOK_EVERY = 10

/**
 * The clock of everything that runs in workerd here: test/worker/project.ts puts this module in the place of src/clock.ts.
 * It stands still until a test turns it. It is a day ahead of the machine's clock, which the platform's alarms keep: no
 * alarm rings by itself. A test rings it with `runDurableObjectAlarm`.
 */
let time = Date.now() + 86_400_000

export const clock: Clock = {
  now: () => time,
  // A callback has to run in the request or object that asked for it, so each timer looks at the clock by itself.
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

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}

/** Lets so many milliseconds pass; timers that become due run soon after. */
export function turn(ms: number): void {
  time += ms
}

/** The time so many milliseconds from now, as the API takes it. */
export function fromNow(ms: number): string {
  return new Date(time + ms).toISOString()
}
