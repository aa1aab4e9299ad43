import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { openDoor } from '../cloudflare/resident/door.ts'

const LOOP = join(import.meta.dirname, '../cloudflare/resident/loop.ts')

/** Calls by a door of its own, one of which a test may cut off. */
async function newDoor() {
  const door = await openDoor()
  onTestFinished(door.close)
  const call = JSON.stringify({ args: ['--version'], cwd: process.cwd(), env: process.env })
  const cutOff = async (sent: string): Promise<void> => {
    const socket = connect(door.path)
    await once(socket, 'connect')
    await new Promise<void>((resolve) => void socket.write(sent, () => resolve()))
    socket.destroy()
  }
  const ask = async (): Promise<unknown> => {
    const socket = connect(door.path)
    socket.end(call)
    return JSON.parse(await text(socket))
  }
  return { call, cutOff, ask }
}

it('a caller that is killed, also within its call, keeps no other from the process', async () => {
  const { call, cutOff, ask } = await newDoor()
  await cutOff(call)
  await cutOff(call.slice(0, 10))
  expect(await ask()).toMatchObject({ code: 0 })
})

it('a run that is killed leaves no process, also while a call waits for an answer', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void silent.close())
  await once(silent, 'listening')
  const address = silent.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const child = spawn(process.execPath, ['--no-warnings', LOOP], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const channel = child.stdio[3]
  if (!(channel instanceof Socket)) {
    throw new Error('the process has no channel')
  }
  const env = {
    ...process.env,
    CLOUDFLARE_API_TOKEN: 'x',
    CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
    WRANGLER_SEND_METRICS: 'false',
  }
  channel.write(`${JSON.stringify({ args: ['whoami'], cwd: tmpdir(), env })}\n`)
  await once(silent, 'connection')
  const ended = once(child, 'exit')
  channel.destroy()
  expect(await ended).toEqual([0, null])
})
