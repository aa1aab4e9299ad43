import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { fetchAlone, newState, outputOf, PROJECT, within } from './server.ts'

const groups: number[] = []

afterEach(() => {
  // A server that outlived npm has failed its test. It must not outlive the suite too.
  for (const group of groups.splice(0)) {
    try {
      process.kill(-group, 'SIGKILL')
    } catch {
      // The group has ended.
    }
  }
})

/** `npm run`, in a process group of its own. */
function npmRun(script: string, ...flags: string[]) {
  const npm = spawn('npm', ['run', script, '--', ...flags], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  groups.push(npm.pid ?? expect.fail('npm did not start'))
  const output = outputOf(npm)
  return {
    output,
    /** The exit code after a SIGTERM to npm alone. */
    exitCode: () => ended(npm, output.text, () => npm.kill('SIGTERM')),
    /** The exit code after a Ctrl-C, which a terminal sends to all of the group. */
    interrupted: () => ended(npm, output.text, () => process.kill(-(npm.pid ?? 0), 'SIGINT')),
  }
}

async function ended(
  npm: ChildProcess,
  output: () => string,
  signal: () => void,
): Promise<number | null> {
  const exit = once(npm, 'exit')
  signal()
  await within(exit, () => `the signal has not ended npm: ${output()}`)
  return npm.exitCode
}

it('SIGTERM to npm ends npm run simulate, and Ctrl-C, which npm forwards beside the terminal, npm start in order', async () => {
  const state = await newState()
  const start = npmRun('start', '--port', '0', '--state', state)
  await start.output.until('EdgeMDM ready on')
  const url = /EdgeMDM ready on (\S+)/.exec(start.output.text())?.[1] ?? ''
  const workerd = Number(readFileSync(join(state, 'workerd.status'), 'utf8').split(' ')[0])
  const simulate = npmRun('simulate', '--server', url, '--devices', '1')
  await simulate.output.until('devices enrolled')
  expect(await simulate.exitCode()).toBe(0)
  expect(await start.interrupted()).toBe(0)
  for (const pid of [Number(readFileSync(join(state, 'edgemdm.pid'), 'utf8')), workerd]) {
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  }
})

it('SIGTERM to npm ends npm run bench and its server', async () => {
  const bench = npmRun('bench', '--only', 'idle', '--runs', '1', '--seconds', '600')
  await bench.output.until('server ready on')
  const url = /server ready on (\S+)/.exec(bench.output.text())?.[1] ?? ''
  expect(await bench.exitCode()).toBe(1)
  await expect
    .poll(() =>
      fetchAlone(url).then(
        () => 'answers',
        () => 'gone',
      ),
    )
    .toBe('gone')
})

it('npm start ends silently when the reader of its output ends', async () => {
  const flags = ['--port', '0', '--state', await newState(), '--log', 'text']
  const child = spawn(process.execPath, ['src/cli/start/start.ts', ...flags], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdout.once('data', () => child.stdout.destroy())
  await within(once(child, 'close'), () => `it goes on: ${errors}`)
  expect({ code: child.exitCode, errors }).toEqual({ code: 0, errors: '' })
})
