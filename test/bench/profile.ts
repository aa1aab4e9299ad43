import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WebSocket } from 'ws'

export const RESULTS = join(import.meta.dirname, './results')
/** The port that the server opens for `--profile`. */
export const INSPECTOR = 9339

/** A V8 CPU profile, as far as it is summed up here (Chrome DevTools Protocol, domain Profiler). */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface Profiler {
  start(): Promise<void>
  /** Ends the connection too: the inspector serves one at a time. */
  stop(): Promise<CpuProfile>
}

/**
 * Connects to the inspector that `npm start -- --inspect PORT` opens on the Worker; Node's own WebSocket
 * does not get on with it.
 */
async function connectProfiler(port: number): Promise<Profiler> {
  const targets: unknown = await (await fetch(`http://127.0.0.1:${port}/json`)).json()
  const [target] = Array.isArray(targets) ? targets : []
  const socket = new WebSocket(String(target.webSocketDebuggerUrl), { perMessageDeflate: false })
  await once(socket, 'open')
  const waiting = new Map<number, (result: unknown) => void>()
  socket.on('message', (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString())
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  let last = 0
  const call = (method: string, params = {}): Promise<unknown> => {
    const id = ++last
    socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve) => {
      waiting.set(id, resolve)
    })
  }
  await call('Profiler.enable')
  await call('Profiler.setSamplingInterval', { interval: 200 })
  return {
    start: async () => void (await call('Profiler.start')),
    stop: async () => {
      const { profile } = (await call('Profiler.stop')) as { profile: CpuProfile }
      socket.close()
      await once(socket, 'close')
      return profile
    },
  }
}

/** Writes a profile of what the Worker does meanwhile, and prints the functions that cost most. */
export async function profiled<T>(name: string, action: () => Promise<T>): Promise<T> {
  const profiler = await connectProfiler(INSPECTOR)
  await profiler.start()
  const result = await action()
  const profile = await profiler.stop()
  await mkdir(RESULTS, { recursive: true })
  await writeFile(join(RESULTS, `${name}.cpuprofile`), JSON.stringify(profile))
  console.log(
    topCosts(profile, 25)
      .map(({ name: part, share }) => `    ${(share * 100).toFixed(1).padStart(5)} %  ${part}`)
      .join('\n'),
  )
  return result
}

/** Functions by the time that they themselves took, the dearest first, in per cent of what was not idle. */
function topCosts(profile: CpuProfile, most: number): { name: string; share: number }[] {
  const nameOf = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}${url === '' ? '' : `:${lineNumber + 1}`}`,
    ]),
  )
  const spent = new Map<string, number>()
  let total = 0
  profile.samples.forEach((id, index) => {
    const name = nameOf.get(id) ?? ''
    const delta = profile.timeDeltas[index] ?? 0
    if (name !== '(idle)') {
      total += delta
      spent.set(name, (spent.get(name) ?? 0) + delta)
    }
  })
  return [...spent]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([name, time]) => ({ name, share: time / total }))
}
