import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { newState, PROJECT, printed } from './server.ts'

const running: ChildProcess[] = []
let state = ''

afterEach(() => {
  for (const child of running.splice(0)) {
    child.kill('SIGKILL')
  }
  // A server that outlived npm fails the test. It must not outlive the suite too.
  if (isAlive(serverId())) {
    process.kill(serverId(), 'SIGKILL')
  }
})

/** `npm run` as a shell or a service manager starts it. */
function npmRun(script: string, ...flags: string[]): ChildProcess {
  const child = spawn('npm', ['run', script, '--', ...flags], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  return child
}

async function terminate(npm: ChildProcess): Promise<unknown> {
  const exit = once(npm, 'exit')
  npm.kill('SIGTERM')
  const [code] = await exit
  return code
}

/** The process that holds the state directory. */
function serverId(): number {
  return Number(readFileSync(join(state, 'edgemdm.pid'), 'utf8'))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it('SIGTERM to npm ends npm start and npm run simulate, with exit code 0', async () => {
  state = await newState()
  const start = npmRun('start', '--port', '0', '--state', state)
  const url = /EdgeMDM ready on (\S+)/.exec(await printed(start, 'EdgeMDM ready on'))?.[1] ?? ''
  const simulate = npmRun('simulate', '--server', url, '--devices', '1')
  await printed(simulate, 'devices enrolled')
  expect(await terminate(simulate)).toBe(0)
  expect(await terminate(start)).toBe(0)
  expect(isAlive(serverId())).toBe(false)
  expect(await fetch(url).catch(() => 'refused')).toBe('refused')
})
