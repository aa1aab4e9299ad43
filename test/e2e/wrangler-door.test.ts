import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { openDoor } from '../cloudflare/resident/door.ts'

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
