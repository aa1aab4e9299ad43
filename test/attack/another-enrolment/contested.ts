/** An identity that anybody can have enrols with the id of a device that is enrolled. */
import { expect, it } from 'vitest'
import {
  newAuthenticate,
  enrolled,
  hostileDevice,
  newId,
  stranded,
  newTokenUpdate,
  type HostileDevice,
} from '../device.ts'
import { IDLE } from '../../devices/messages.ts'
import { deviceUrl, queue, type Scene } from '../scene.ts'
import { stored } from '../stored.ts'
import { PIN } from './waiting.ts'

const SECRET = Buffer.from('the bootstrap token of the victim')

/** Each message, and what it is answered with. */
async function usurp(hostile: HostileDevice, UDID: string, serial: string): Promise<string[]> {
  const messages = [
    { ...newAuthenticate(hostile.topic), SerialNumber: serial },
    newTokenUpdate(hostile.topic),
    { MessageType: 'GetBootstrapToken' },
    { MessageType: 'DeclarativeManagement', Endpoint: 'tokens' },
    IDLE,
    { ...IDLE, UserID: newId() },
  ]
  const answers: string[] = []
  for (const message of messages) {
    const { status, text } = await hostile.send({ ...message, UDID })
    answers.push(`${status} ${text}`)
  }
  return answers
}

async function victimOf(scene: Scene) {
  const device = await enrolled(scene)
  await device.setBootstrapToken(SECRET)
  expect((await queue(scene, device.udid, 'DeviceLock', { pin: PIN })).status).toBe(201)
  expect((await queue(scene, device.udid, 'SecurityInfo')).status).toBe(201)
  return device
}

const contestOf = async (scene: Scene, udid: string) => {
  const { body } = await scene.server.api<{ contest: object | null }>('GET', deviceUrl(udid))
  return body.contest
}

export function contestedAttacks(scene: () => Scene): void {
  it('an enrolled device keeps its enrolment, queue and escrow when another identity takes its id, and goes on at once', async () => {
    const victim = await victimOf(scene())
    const hostile = await stranded(scene())
    const asked = scene().upstream.asked.length
    const answers = await usurp(hostile, victim.udid, victim.serial)
    expect(await contestOf(scene(), victim.udid)).not.toBeNull()
    const secrets = [PIN, SECRET.toString('base64'), '<key>CommandUUID</key>']
    expect(answers.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([])
    expect(scene().upstream.asked).toHaveLength(asked)
    // It comes, and is asked first whether it is the device.
    await victim.poll()
    await victim.poll()
    const received = victim.received.map(({ requestType }) => requestType)
    expect(received).toEqual(['DeviceInformation', 'DeviceLock', 'SecurityInfo'])
    expect((await victim.getBootstrapToken()).token).toEqual(new Uint8Array(SECRET))
    expect(await contestOf(scene(), victim.udid)).toBeNull()
    // The other one is answered with nothing from then on, and is not told to leave.
    const after = await usurp(hostile, victim.udid, victim.serial)
    expect(new Set(after)).toEqual(new Set(['200 ']))
    expect(await victim.poll()).toMatchObject({ ended: 'empty' })
  })

  it('colluding devices that take one id after the other keep no more than five enrolments of it, and make no object', async () => {
    const victim = await victimOf(scene())
    const hostile = await Promise.all(Array.from({ length: 7 }, () => stranded(scene())))
    const { objects } = stored(scene())
    for (const one of hostile) {
      await usurp(one, victim.udid, victim.serial)
    }
    expect(stored(scene()).objects).toBe(objects)
    await victim.poll()
    await victim.poll()
    expect(victim.received.map(({ requestType }) => requestType)).toContain('DeviceLock')
  })

  it('a device that is enrolled as itself takes no other id', async () => {
    const victim = await victimOf(scene())
    const hostile = await hostileDevice(scene())
    const answers = await usurp(hostile, victim.udid, victim.serial)
    expect(new Set(answers)).toEqual(new Set(['400 ']))
    expect(await contestOf(scene(), victim.udid)).toBeNull()
  })
}
