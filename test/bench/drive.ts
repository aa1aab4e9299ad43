import { open, type Connection } from './connection.ts'

export interface Drive {
  readonly connections: number
  /** Either bounds it: operations begun, or seconds. */
  readonly count: number
  readonly seconds: number
  /** Operations become due at this rate, and time counts from then. As fast as the answers come without it. */
  readonly perSecond?: number
}

export interface Outcome {
  /** Those that succeeded. */
  readonly operations: number
  readonly errors: number
  readonly firstError: string
  readonly seconds: number
  /** CPU seconds of the load's process. */
  readonly cpu: number
  /** Milliseconds. */
  readonly median: number
  readonly p99: number
}

/** Runs operations number 0, 1, 2, … on kept connections, one at a time on each. */
export async function drive(
  server: URL,
  { connections: width, count, seconds: limit, perSecond }: Drive,
  operate: (connection: Connection, n: number) => Promise<void>,
): Promise<Outcome> {
  const connections = await Promise.all(Array.from({ length: width }, () => open(server)))
  const times: number[] = []
  const errors: string[] = []
  let next = 0
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const goOn = (): boolean => next < count && performance.now() - began < limit * 1000
  await Promise.all(
    connections.map(async (connection) => {
      while (goOn()) {
        const n = next++
        const due = perSecond === undefined ? performance.now() : began + (n * 1000) / perSecond
        await until(due)
        try {
          await operate(connection, n)
          times.push(performance.now() - due)
        } catch (error) {
          errors.push(error instanceof Error ? error.message : String(error))
        }
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  connections.forEach((connection) => connection.close())
  times.sort((a, b) => a - b)
  return {
    operations: times.length,
    errors: errors.length,
    firstError: errors[0] ?? '',
    seconds,
    cpu: (user + system) / 1e6,
    median: times[Math.floor(times.length / 2)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  }
}

async function until(due: number): Promise<void> {
  const wait = due - performance.now()
  if (wait > 0) {
    await new Promise((resolve) => {
      setTimeout(resolve, wait)
    })
  }
}
