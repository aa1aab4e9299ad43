/** Declarative management: the server at `DM_URL` believes the id that we give to it. */
import { expect, it } from 'vitest'
import type { PlistDict } from '../../../src/plist/value.ts'
import { enrolled, hostileDevice, newId, newTokenUpdate } from '../device.ts'
import type { Scene } from '../scene.ts'

const TOKENS: PlistDict = { MessageType: 'DeclarativeManagement', Endpoint: 'tokens' }

/** The ids that the upstream server was told by `ask`. */
async function idsToldBy(
  { upstream }: Scene,
  ask: () => Promise<{ status: number }>,
): Promise<unknown[]> {
  const before = upstream.asked.length
  expect((await ask()).status).toBe(200)
  return upstream.asked.slice(before).map(({ headers }) => headers['x-enrollment-id'])
}

export function upstreamAttacks(scene: () => Scene): void {
  it('declarative management knows a device by its id and a user by the bare UserID, as KMFDDM expects', async () => {
    const user = newId()
    const mac = await enrolled(scene())
    const channel = mac.userChannel({ userId: user, shortName: 'ada' })
    await channel.tokenUpdate()
    const ask = (from: typeof channel) => () =>
      from.checkIn('DeclarativeManagement', { Endpoint: 'tokens' })
    expect(await idsToldBy(scene(), ask(mac))).toEqual([mac.udid])
    expect(await idsToldBy(scene(), ask(channel))).toEqual([user])
  })

  it('the declarative management server never gets a device’s id from a device that has it as UserID', async () => {
    const victim = await enrolled(scene())
    const attacker = await hostileDevice(scene())
    const ids = { UDID: attacker.udid, UserID: victim.udid }
    const told = await idsToldBy(scene(), () => attacker.send({ ...TOKENS, ...ids }))
    await attacker.send({ ...newTokenUpdate(attacker.topic), ...ids })
    told.push(...(await idsToldBy(scene(), () => attacker.send({ ...TOKENS, ...ids }))))
    const full = `${attacker.udid}:${victim.udid}`
    expect(told).toEqual([full, full])
  })

  it('the declarative management server gets the full ids while two devices claim a user', async () => {
    const user = newId()
    const attacker = await hostileDevice(scene())
    const ids = { UDID: attacker.udid, UserID: user }
    await attacker.send({ ...newTokenUpdate(attacker.topic), ...ids })
    const mac = await enrolled(scene())
    const channel = mac.userChannel({ userId: user, shortName: 'ada' })
    await channel.tokenUpdate()
    const told = [
      ...(await idsToldBy(scene(), () => attacker.send({ ...TOKENS, ...ids }))),
      ...(await idsToldBy(scene(), () =>
        channel.checkIn('DeclarativeManagement', { Endpoint: 'tokens' }),
      )),
    ]
    expect(told).toEqual([`${attacker.udid}:${user}`, `${mac.udid}:${user}`])
  })
}
