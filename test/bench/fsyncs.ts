import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Counts fsync and fdatasync of a process while it is attached. */
export interface SyncCounter {
  count(): number
  end(): Promise<void>
}

export const hasStrace = spawnSync('strace', ['-V']).status === 0

/** Every system call of the process costs more meanwhile, so no rate may be measured beside it. */
export async function countSyncs(pid: number): Promise<SyncCounter> {
  const directory = await mkdtemp(join(tmpdir(), 'edgemdm-strace-'))
  const file = join(directory, 'calls')
  const strace = spawn(
    'strace',
    ['-f', '-e', 'trace=fsync,fdatasync', '-o', file, '-p', String(pid)],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  // "Process 1 attached with 9 threads"
  await Promise.race([once(strace.stderr, 'data'), once(strace, 'exit')])
  if (strace.exitCode !== null) {
    await rm(directory, { recursive: true })
    throw new Error(`strace -p ${pid} ended with ${strace.exitCode}`)
  }
  strace.stderr.resume()
  return {
    // A call that another thread interrupts has a second line, `<... fsync resumed>`.
    count: () => readFileSync(file, 'utf8').match(/ f(data)?sync\(/g)?.length ?? 0,
    async end() {
      const exit = once(strace, 'exit')
      strace.kill('SIGINT')
      await exit
      await rm(directory, { recursive: true })
    },
  }
}
