import { Buffer } from 'node:buffer'
import { expect, it, vi } from 'vitest'
import { depAccountId } from '../../src/dep-account/import.ts'
import { createDepKey } from '../../src/dep/exchange-key.ts'
import type { DepToken } from '../../src/dep/records.ts'
import {
  findBlueprint,
  removeBlueprint,
  storeBlueprint,
} from '../../src/directory/blueprints/blueprints.ts'
import { readSetupUsers, storeSetupUser } from '../../src/directory/blueprints/users.ts'
import {
  findAccount,
  newestAccount,
  putAccount,
  readRules,
  storeRules,
} from '../../src/directory/dep/accounts.ts'
import { openDepKey } from '../../src/directory/dep/keys.ts'
import { writeAuthority } from '../../src/migration/records.ts'
import { hashPassword } from '../../src/blueprints/password.ts'
import { DepAccount } from '../../src/dep-account/object.ts'
import { clock, turn } from './clock.ts'
import { Apple } from './dep-apple.ts'
import { accountWith, DAY, newToken, testConfig } from './dep-tools.ts'
import { activated, authorityItem, base64, staged } from './move-tools.ts'
import { api, env } from './server.ts'

const jsonItem = (kind: string, id: string, record: object) => ({
  kind,
  id,
  data: base64(Buffer.from(JSON.stringify(record))),
})

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
const passwordHash = base64(await hashPassword('a password', { subtle: crypto.subtle, random }))
const userItem = (uuid: string, more = {}) =>
  jsonItem('setup_user', uuid, {
    uuid,
    shortName: 'ladmin',
    longName: 'Local Admin',
    hidden: true,
    passwordHash,
    ...more,
  })
const blueprintItem = (uuid: string, more = {}) =>
  jsonItem('blueprint', uuid, {
    uuid,
    name: `blueprint ${uuid}`,
    install_application_manifest_urls: [],
    profile_ids: [],
    user_uuids: [],
    skip_primary_setup_account_creation: false,
    set_primary_setup_account_as_regular_user: false,
    apply_at: ['Enroll'],
    ...more,
  })
const accountItem = (token: DepToken, more = {}) =>
  jsonItem('dep_account', token.consumerKey, { token, ...more })

interface Item {
  id: string
  outcome: string | null
  remark: string | null
}

/** What became of an item. */
async function endOf(move: string, kind: string, item: string): Promise<Item | undefined> {
  const { body } = await api<{ items: Item[] }>('GET', `/api/moves/${move}/items?kind=${kind}`)
  return body.items.find(({ id }) => id === item)
}

const read = (move: string, kind: string, item: string) =>
  api('POST', `/api/moves/${move}/secrets`, { kind, item, reason: 'a test' })

async function moveOf(...items: readonly object[]): Promise<string> {
  const id = await staged([authorityItem, ...items])
  await activated(id)
  return id
}

it('a blueprint gives new devices its profiles, packages and account, as with MicroMDM', async () => {
  const [uuid, admin] = [crypto.randomUUID(), crypto.randomUUID()]
  const profile = { kind: 'profile', id: `com.example.${uuid}`, data: btoa('<plist/>') }
  const url = 'https://mdm.example.com/repo/agent.plist'
  const move = await moveOf(
    blueprintItem(uuid, {
      name: 'staff',
      install_application_manifest_urls: [url],
      profile_ids: [profile.id],
      user_uuids: [admin],
      skip_primary_setup_account_creation: true,
    }),
    userItem(admin),
    profile,
  )
  expect(await endOf(move, 'blueprint', uuid)).toMatchObject({ outcome: 'applied', remark: null })
  expect((await findBlueprint(env.DB, uuid))?.blueprint).toMatchObject({
    name: 'staff',
    version: 1,
    apply_at: ['Enroll'],
    match: {},
    steps: [
      { do: 'profile', id: profile.id },
      { do: 'package', manifest: url },
      { do: 'account', admin, skip_primary: true },
      { do: 'release' },
    ],
  })
  expect(await readSetupUsers(env.DB, testConfig().sealer, [admin])).toMatchObject([
    { shortName: 'ladmin', longName: 'Local Admin', hidden: true, generates: false, passwordHash },
  ])
})

it('a blueprint comes although it names what is not there, and the list says what', async () => {
  const uuid = crypto.randomUUID()
  const move = await moveOf(
    blueprintItem(uuid, { profile_ids: ['com.example.gone'], user_uuids: ['USER-GONE'] }),
  )
  expect(await endOf(move, 'blueprint', uuid)).toMatchObject({
    outcome: 'applied',
    remark:
      'not here, so that its step fails: the profile com.example.gone, the setup user USER-GONE',
  })
  expect((await findBlueprint(env.DB, uuid))?.blueprint.steps).toMatchObject([
    { do: 'profile', id: 'com.example.gone' },
    { do: 'account', admin: 'USER-GONE' },
    { do: 'release' },
  ])
})

it.each<[string, object, RegExp]>([
  ['two users', { user_uuids: ['one', 'other'] }, /names 2 users/],
  [
    'a file for a manifest',
    { install_application_manifest_urls: ['a.plist'] },
    /URL of a manifest/,
  ],
  ['the name of another one', { name: 'taken' }, /another blueprint has the name taken/],
])('a blueprint with %s stays as it came, and can be read back', async (_, more, reason) => {
  const { blueprint } = (await findBlueprint(env.DB, 'taken')) ?? {}
  if (!blueprint) {
    await moveOf(blueprintItem('taken', { name: 'taken' }))
  }
  const uuid = crypto.randomUUID()
  const item = blueprintItem(uuid, more)
  const move = await moveOf(item)
  expect(await endOf(move, 'blueprint', uuid)).toMatchObject({
    outcome: 'kept',
    remark: expect.stringMatching(reason),
  })
  expect(await findBlueprint(env.DB, uuid)).toBeUndefined()
  const warned = vi.spyOn(console, 'warn').mockReturnValue()
  expect((await read(move, 'blueprint', uuid)).body).toMatchObject({ data: item.data })
  expect(warned.mock.calls.join()).toMatch(/move:item-read.*"reason":"a test"/)
  warned.mockRestore()
})

it('an item that was taken up is read where it is, not in the move', async () => {
  const uuid = crypto.randomUUID()
  const move = await moveOf(blueprintItem(uuid))
  expect(await read(move, 'blueprint', uuid)).toMatchObject({
    status: 404,
    body: { code: 'move_item_not_found' },
  })
})

it('a setup user without a usable password comes, and the list says so', async () => {
  const [odd, none] = [crypto.randomUUID(), crypto.randomUUID()]
  const move = await moveOf(
    userItem(odd, { passwordHash: btoa('<plist/>') }),
    userItem(none, { shortName: '' }),
  )
  expect(await endOf(move, 'setup_user', odd)).toMatchObject({
    outcome: 'applied',
    remark: expect.stringContaining('no Mac takes its password hash'),
  })
  expect(await endOf(move, 'setup_user', none)).toMatchObject({ outcome: 'kept' })
})

const SINCE = ['changed since', 'removed since', 'user since'] as const

it('a later copy leaves alone what an admin has changed or removed since', async () => {
  const [changed, removed, user] = SINCE
  const token = newToken()
  const assigner = crypto.randomUUID()
  const account = accountItem(token, {
    cursor: { value: 's', at: clock.now() },
    autoAssign: assigner,
  })
  const items = [blueprintItem(changed), blueprintItem(removed), userItem(user), account]
  await moveOf(...items)
  const { version: _, ...blueprint } = (await findBlueprint(env.DB, changed))?.blueprint ?? never()
  await storeBlueprint(env.DB, { ...blueprint, name: `renamed ${changed}` }, clock.now())
  await removeBlueprint(env.DB, removed)
  const { sealer } = testConfig()
  const [stored] = await readSetupUsers(env.DB, sealer, [user])
  await storeSetupUser(env.DB, sealer, { ...(stored ?? never()), shortName: 'mine' }, clock.now())
  await storeRules(env.DB, depAccountId(token), [])

  const install = vi.spyOn(DepAccount.prototype, 'install')
  const second = await moveOf(...items)
  expect(await endOf(second, 'blueprint', changed)).toMatchObject({ outcome: 'kept', remark: null })
  expect(await endOf(second, 'dep_account', token.consumerKey)).toMatchObject({ outcome: 'kept' })
  expect((await findBlueprint(env.DB, changed))?.blueprint.name).toBe(`renamed ${changed}`)
  expect(await findBlueprint(env.DB, removed)).toBeUndefined()
  expect(await readSetupUsers(env.DB, sealer, [user])).toMatchObject([{ shortName: 'mine' }])
  expect(await readRules(env.DB, depAccountId(token))).toEqual([])
  expect(install).not.toHaveBeenCalled()
  install.mockRestore()
})

it('accounts come with key pair, cursor and rule while Apple is away, and wait to be confirmed', async () => {
  // The accounts of other tests came earlier.
  turn(1000)
  const apple = new Apple()
  // A change that MicroMDM has read already.
  apple.add(['D9MOVED0001'])
  const { serial, certificate, privateKey } = createDepKey(clock.now())
  const key = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }))
  const pair = writeAuthority({ certificate, key, nextSerial: undefined })
  const [old, inUse] = [newToken(), newToken({ expiresAt: clock.now() + 365 * DAY })]
  const assigner = '88A3C5D1E2F4400B9C7D6E5F4A3B2C1D'
  const cursor = { value: 's.1', at: clock.now() - DAY }
  const move = await moveOf(
    { kind: 'dep_key', id: serial, data: base64(pair) },
    accountItem(old),
    accountItem(inUse, { keySerial: serial, cursor, autoAssign: assigner }),
  )
  expect(apple.calls).toEqual([])
  expect(await endOf(move, 'dep_key', serial)).toMatchObject({ outcome: 'applied' })
  const stored = await openDepKey(env.DB, testConfig().sealer, serial)
  expect(stored?.key.equals(privateKey)).toBe(true)
  const [oldId, id] = [depAccountId(old), depAccountId(inUse)]
  expect((await newestAccount(env.DB))?.id).toBe(id)
  expect(await findAccount(env.DB, oldId)).toMatchObject({ tokenAt: old.expiresAt - 365 * DAY })
  expect(await readRules(env.DB, id)).toEqual([{ match: {}, profile: assigner }])
  expect(await readRules(env.DB, oldId)).toEqual([])
  expect(await accountWith(id).stub.token()).toEqual(inUse)
  expect(await accountWith(id).stub.status()).toMatchObject({
    assigns: 'nothing',
    keySerial: serial,
    phase: 'sync',
    cursorAge: DAY,
  })

  await accountWith(id).pass(0)
  expect(await accountWith(id).device('D9MOVED0001')).toMatchObject({ account: id })
  expect(apple.assignments()).toEqual([])
})

it('an account whose process died before its token was in place is taken up again', async () => {
  const token = newToken()
  const autoAssign = crypto.randomUUID()
  const cursor = { value: '', at: 0 }
  const id = depAccountId(token)
  const row = { id, serverUuid: '', serverName: '', organization: '', tokenAt: clock.now() }
  await putAccount(env.DB, row)
  const move = await moveOf(accountItem(token, { cursor, autoAssign }))
  expect(await endOf(move, 'dep_account', token.consumerKey)).toMatchObject({ outcome: 'applied' })
  expect(await accountWith(id).stub.status()).toMatchObject({ assigns: 'nothing' })
  expect(await readRules(env.DB, id)).toEqual([{ match: {}, profile: autoAssign }])
})

it.each([
  ['a blueprint under another id', { ...blueprintItem('one'), id: 'other' }],
  ['a user without a name', jsonItem('setup_user', 'u', { uuid: 'u' })],
  ['a token without a secret', jsonItem('dep_account', 'CK', { token: { consumerKey: 'CK' } })],
  ['half of a key pair', jsonItem('dep_key', '01', { certificate: '', key: '' })],
  ['more than a row takes', blueprintItem('b', { profile_ids: ['x'.repeat(600_000)] })],
])('%s is refused', async (_, item) => {
  const move = await staged([authorityItem])
  expect((await api('PUT', `/api/moves/${move}/items`, { items: [item] })).status).toBe(400)
})

function never(): never {
  throw new Error('it is not there')
}
