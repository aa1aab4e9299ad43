import { describe, expect, it, vi } from 'vitest'
import { SHARED_IPAD_USER_ID } from '../../src/mdm/enrollment.ts'
import { asDict } from '../../src/plist/dict.ts'
import { readPlist } from '../../src/plist/read.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { deviceThere } from './move-tools.ts'
import { replay } from './migration-tools.ts'
import { api, enrolled, newDevice, newIdentity, TOPIC } from './server.ts'

interface Page {
  items: { id: string; messages: string[]; unproven: boolean; blocked: boolean }[]
  left_out: { id: string; reason: string }[]
  next: string | null
  detail?: string
}
const WHY = { reason: 'back to NanoMDM, ticket 7', who: 'ada' }
const exported = async (body: object) => (await api<Page>('POST', '/api/moves/export', body)).body
const messagesOf = ({ messages }: Page['items'][number]): PlistDict[] =>
  messages.map((text) => asDict(readPlist(new Uint8Array(Buffer.from(text, 'base64')))))
const readsOf = async ({ udid }: { udid: string }) =>
  (await api<{ items: object[] }>('GET', `/api/devices/${udid}/escrow/reads`)).body.items

describe('an exported device', () => {
  it('is the messages of its enrolment, with its tokens and users', async () => {
    const mac = newDevice()
    const user = mac.userChannel({ userId: crypto.randomUUID(), shortName: 'ada' })
    const gone = mac.userChannel({ userId: crypto.randomUUID(), shortName: 'bob' })
    await mac.enroll()
    await mac.setBootstrapToken(new Uint8Array(8).fill(4))
    await user.tokenUpdate()
    await gone.tokenUpdate()
    await gone.checkOut()
    const phone = newDevice({ platform: 'iOS' })
    await phone.authenticate()
    await phone.tokenUpdate({ unlockToken: new Uint8Array(16).fill(5) })
    const pad = newDevice({ platform: 'iPadOS', sharedIPad: true })
    await pad.enroll()
    await pad.userChannel({ userId: '', shortName: 'ada@example.com' }).tokenUpdate()

    const { items, left_out } = await exported({
      ...WHY,
      ids: [mac.udid, phone.udid, pad.udid],
    })
    expect(left_out).toEqual([])
    const [ofMac, ofPhone, ofPad] = items.map(messagesOf)
    const token = { MessageType: 'TokenUpdate', Topic: TOPIC }
    const ids = { UDID: mac.udid }
    expect(ofMac).toEqual([
      expect.objectContaining({ ...ids, MessageType: 'Authenticate', SerialNumber: mac.serial }),
      { ...ids, ...token, Token: mac.token, PushMagic: mac.magic },
      { ...ids, MessageType: 'SetBootstrapToken', BootstrapToken: new Uint8Array(8).fill(4) },
      { ...ids, ...token, UserID: user.ids['UserID'], Token: user.token, PushMagic: user.magic },
    ])
    expect(ofPhone?.[1]).toMatchObject({ UnlockToken: new Uint8Array(16).fill(5) })
    expect(ofPad?.[2]).toMatchObject({
      UserID: SHARED_IPAD_USER_ID,
      UserShortName: 'ada@example.com',
    })
  })

  it('needs a reason, which its entries about readings keep', async () => {
    const warned = vi.spyOn(console, 'warn')
    const device = await enrolled()
    const without = await api<Page>('POST', '/api/moves/export', { ids: [device.udid] })
    expect(without.status).toBe(400)
    expect(without.body.detail).toMatch(/a reason is needed to read a secret/)
    expect(await readsOf(device)).toEqual([])
    await exported({ ...WHY, ids: [device.udid] })
    expect(await readsOf(device)).toMatchObject([
      { ...WHY, kind: 'export', token_id: null, command_id: null, address: null },
    ])
    const lines = warned.mock.calls.map(([line]) => JSON.parse(String(line)))
    warned.mockRestore()
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'escrow:read', device: device.udid, kind: 'export' }),
    )
  })

  it('is marked if it is unproven or blocked', async () => {
    const unproven = deviceThere({ identity: newIdentity() })
    await replay(unproven)
    const blocked = await enrolled()
    await api('POST', `/v1/devices/${blocked.udid}/block`)
    const { items } = await exported({ ...WHY, ids: [unproven.udid, blocked.udid] })
    expect(new Map(items.map((item) => [item.id, [item.unproven, item.blocked]]))).toEqual(
      new Map([
        [unproven.udid, [true, false]],
        [blocked.udid, [false, true]],
      ]),
    )
  })
})

it('a device without an enrolment to export is left out and named, and no secret is read', async () => {
  const [contested, left, adopted] = [newDevice(), await enrolled(), newDevice()]
  await contested.enroll()
  await newDevice({ udid: contested.udid, serial: contested.serial }).enroll()
  await left.checkOut()
  await adopted.connect({ Status: 'Idle' })
  const ids = [contested.udid, left.udid, adopted.udid, 'NOT-HERE']
  const { items, left_out } = await exported({ ...WHY, ids })
  expect(items).toEqual([])
  expect(new Map(left_out.map(({ id, reason }) => [id, reason]))).toEqual(
    new Map([
      [contested.udid, 'contested'],
      [left.udid, 'not_enrolled'],
      [adopted.udid, 'no_push_token'],
      ['NOT-HERE', 'not_enrolled'],
    ]),
  )
  expect(await readsOf(contested)).toEqual([])
})

it('all enrolled devices come in pages of twenty', async () => {
  const devices = await Promise.all(Array.from({ length: 21 }, () => enrolled()))
  const left = await enrolled()
  await left.checkOut()
  const first = await exported(WHY)
  expect(first.items.length + first.left_out.length).toBe(20)
  const found = new Set<string>()
  let cursor: string | null | undefined
  do {
    const page: Page = await exported({ ...WHY, ...(cursor ? { cursor } : {}) })
    for (const { id } of page.items) {
      expect(found.has(id)).toBe(false)
      found.add(id)
    }
    cursor = page.next
  } while (cursor)
  expect(devices.filter(({ udid }) => !found.has(udid))).toEqual([])
  expect(found.has(left.udid)).toBe(false)
  const wrong = await api('POST', '/api/moves/export', { ...WHY, cursor: 'x' })
  expect(wrong.body).toMatchObject({ code: 'invalid_cursor', errors: [{ at: 'json.cursor' }] })
})

it('a page ends early if the tokens of its devices are long', async () => {
  const devices = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const device = await enrolled()
      await device.setBootstrapToken(new Uint8Array(490_000))
      return device
    }),
  )
  const ids = devices.map(({ udid }) => udid)
  const first = await exported({ ...WHY, ids })
  expect(first.items.length).toBeLessThan(10)
  const rest = await exported({ ...WHY, ids, cursor: first.next })
  expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual([...ids].sort())
  expect(rest.next).toBeNull()
})
