import { expect, it } from 'vitest'
import type { MovedChannel, MovedDevice } from '../../src/migration/moved.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import {
  activated,
  authorityItem,
  base64,
  deviceItem,
  deviceThere,
  fingerprintOf,
  moved,
  recordOf,
  staged,
} from './move-tools.ts'
import { api, env, letPush, newIdentity, seen, TOPIC } from './server.ts'

/** Copies that come again, late, or after something has happened here. */

const TOKEN = new Uint8Array(32).fill(9)
const EVIL = new Uint8Array(32).fill(6)
const idle = (device: SimulatedDevice) => device.connect({ Status: 'Idle' })

interface Page {
  state: string
  channels: { user: string | null; enabled: boolean; push_state: string }[]
}

async function enabledOf({ udid }: SimulatedDevice) {
  const { body } = await api<Page>('GET', `/api/devices/${udid}`)
  return {
    state: body.state,
    users: body.channels.filter(({ enabled }) => enabled).map(({ user }) => user),
  }
}

function withUser(device: SimulatedDevice): { user: string; record: MovedDevice } {
  const user = crypto.randomUUID().toUpperCase()
  const own = recordOf(device)
  const channel: MovedChannel = { user, token: base64(TOKEN), magic: 'MAGIC', topic: TOPIC }
  return { user, record: { ...own, channels: [...own.channels, channel] } }
}

const inDirectory = ({ udid }: SimulatedDevice) =>
  env.DB.prepare('SELECT identity, identity_not_after AS ends FROM devices WHERE id = ?')
    .bind(udid)
    .first<{ identity: string; ends: number }>()

it('a binding takes the device back from a certificate that was adopted before it came', async () => {
  const device = deviceThere()
  const thief = deviceThere({ udid: device.udid, serial: device.serial, identity: newIdentity() })
  await thief.tokenUpdate({ token: EVIL })
  await thief.setBootstrapToken(EVIL)
  const invented = thief.userChannel({ userId: crypto.randomUUID().toUpperCase(), shortName: 'x' })
  await invented.tokenUpdate({ token: EVIL })
  await moved(recordOf(device, { bootstrapToken: base64(TOKEN) }))
  expect((await idle(device)).status).toBe(200)
  expect((await device.getBootstrapToken()).token).toEqual(TOKEN)
  expect(await enabledOf(device)).toEqual({ state: 'enrolled', users: [null] })
  await api('POST', `/api/devices/${device.udid}/push`)
  await letPush()
  expect(await seen(device.magic, 'apns')).not.toEqual([])
  expect((await thief.getBootstrapToken()).token).toBeUndefined()
})

it('a later copy brings no device and no user back that left here', async () => {
  const [left, retired, loggedOut] = [deviceThere(), deviceThere(), deviceThere()]
  const [first, second, third] = [withUser(left), withUser(retired), withUser(loggedOut)]
  const records = [first.record, second.record, third.record]
  await moved(...records)
  await left.checkOut()
  expect((await api('POST', `/api/devices/${retired.udid}/retire`)).status).toBe(200)
  await loggedOut.userChannel({ userId: third.user, shortName: 'ada' }).checkOut()
  await moved(...records)
  expect(await enabledOf(left)).toEqual({ state: 'checked_out', users: [] })
  expect(await enabledOf(retired)).toEqual({ state: 'checked_out', users: [] })
  expect(await enabledOf(loggedOut)).toEqual({ state: 'enrolled', users: [null] })
  expect((await api('POST', `/api/devices/${third.user}/push`)).status).toBe(404)
})

it('a later copy blocks no device that an admin unblocked, and one that was blocked since', async () => {
  const device = deviceThere()
  const { udid: id } = device
  const blocked = { id, type: 'Device', source: 'micromdm', blocked: true, channels: [] } as const
  await moved(blocked)
  await api('POST', `/api/devices/${id}/unblock`)
  await moved(blocked)
  await moved(recordOf(device, { blocked: true }))
  expect((await idle(device)).status).toBe(200)
  const other = deviceThere()
  await moved(recordOf(other))
  await moved(recordOf(other, { blocked: true }))
  expect((await idle(other)).status).toBe(401)
})

it('a device whose block alone came is adopted after an unblock', async () => {
  const device = deviceThere({ identity: newIdentity() })
  await moved({ id: device.udid, type: 'Device', source: 'micromdm', blocked: true, channels: [] })
  await api('POST', `/api/devices/${device.udid}/unblock`)
  expect((await device.tokenUpdate()).status).toBe(200)
  expect(await enabledOf(device)).toEqual({ state: 'enrolled', users: [null] })
})

it('the directory knows the certificate of a newer copy, and when a fingerprint’s one ends', async () => {
  const device = deviceThere()
  await moved(recordOf(device))
  const renewed = deviceThere({ udid: device.udid, serial: device.serial })
  const fingerprint = fingerprintOf(renewed)
  await moved(recordOf(renewed, { bindings: [{ fingerprint }] }))
  expect(await inDirectory(device)).toEqual({ identity: fingerprint, ends: 0 })
  expect((await idle(renewed)).status).toBe(200)
  expect((await inDirectory(device))?.ends).toBeGreaterThan(0)
})

it('a device whose record failed comes again, and no other certificate is adopted for it', async () => {
  const device = deviceThere()
  const thief = deviceThere({ udid: device.udid, serial: device.serial, identity: newIdentity() })
  const id = await staged([authorityItem, deviceItem(recordOf(device))])
  // Its object did not answer.
  await env.DB.batch([
    env.DB.prepare("UPDATE moves SET state = 'activating' WHERE id = ?").bind(id),
    env.DB.prepare(
      "UPDATE move_items SET outcome = 'failed' WHERE move = ? AND kind = 'device'",
    ).bind(id),
  ])
  expect((await idle(thief)).status).toBe(503)
  await activated(id)
  expect((await idle(device)).status).toBe(200)
})
