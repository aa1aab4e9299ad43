import { webcrypto } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { PlannedStep, SetupPlan } from '../../src/blueprints/plan.ts'
import { pbkdf2 } from '../../src/blueprints/password.ts'
import { requireConfig } from '../../src/config/config.ts'
import { storeBlueprint as storeRow } from '../../src/directory/blueprints/blueprints.ts'
import { BLUEPRINT_DEFAULTS } from '../../src/blueprints/check.ts'
import { NO_FACTS } from '../../src/mdm/message.ts'
import { asDict, dictAt } from '../../src/plist/dict.ts'
import { readPlist } from '../../src/plist/read.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import type { SetupDevice } from '../../src/setup/candidate.ts'
import { planFor } from '../../src/setup/plan-for.ts'
import { noBlueprints, storeBlueprint, storeProfile } from './blueprint-tools.ts'
import { turn } from './clock.ts'
import { bucket, MANIFEST } from './repo-tools.ts'
import { api, env } from './server.ts'

beforeEach(noBlueprints)

const ORIGIN = 'https://mdm.example.com'
const MAC: SetupDevice = {
  id: 'UDID-1',
  serial: 'C02PLAN',
  serialProven: false,
  facts: { ...NO_FACTS, ProductName: 'MacBookAir10,1', OSVersion: '15.1', DeviceName: 'Mac' },
  params: {},
  awaiting: true,
  isFirst: true,
  origin: ORIGIN,
}

function plan(parts: Partial<SetupDevice> = {}): Promise<SetupPlan | undefined> {
  return planFor(env, requireConfig(env), { ...MAC, ...parts })
}

async function stepsFor(parts: Partial<SetupDevice> = {}): Promise<readonly PlannedStep[]> {
  return (await plan(parts))?.steps ?? []
}

/** The command of a step as the device reads it. */
function commandOf(step: PlannedStep | undefined): PlistDict {
  const { command } = step ?? {}
  const top = asDict(readPlist(command?.payload ?? new Uint8Array()))
  expect(top['CommandUUID']).toBe(command?.uuid)
  return dictAt(top, 'Command') ?? {}
}

function termsIn({ kind, subject, required, timeoutMs, wait }: PlannedStep) {
  return { kind, subject, required, timeoutMs, wait }
}

describe('a plan', () => {
  it('is there if a blueprint is for the device, even one without steps', async () => {
    expect(await plan()).toBeUndefined()
    const id = await storeBlueprint({ match: { platform: ['macOS'] } })
    expect(await plan()).toMatchObject({
      blueprints: [{ uuid: id, version: 1 }],
      timeLimitMs: 900_000,
      release: 'always',
      steps: [],
    })
    const ipad = { facts: { ...MAC.facts, ProductName: 'iPad14,3' } }
    expect(await plan(ipad)).toBeUndefined()
  })

  it('has the longest time limit of its blueprints, and the strictest release', async () => {
    await bucket.put('a.plist', MANIFEST)
    await storeBlueprint({ time_limit_s: 60, release: 'if_required_ok' })
    await storeBlueprint({ time_limit_s: 120 })
    expect(await plan()).toMatchObject({ timeLimitMs: 120_000, release: 'if_required_ok' })
    await storeBlueprint({ time_limit_s: 60, release: 'manual' })
    expect(await plan()).toMatchObject({ timeLimitMs: 120_000, release: 'manual' })
  })

  it('has the commands of its steps, as POST /v1/commands makes them', async () => {
    const profile = await storeProfile()
    await storeBlueprint({
      steps: [
        { do: 'profile', id: profile, required: true, timeout_s: 20 },
        { do: 'package', manifest: '/repo/a.plist', wait: 'installed', identifier: 'com.x' },
        { do: 'package', manifest: 'https://x.example/b.plist' },
        { do: 'app', itunes_store_id: 361309726 },
        { do: 'declarations', of: ['com.example.a'] },
        {
          do: 'command',
          command: {
            request_type: 'Settings',
            settings: [{ item: 'DeviceName', device_name: 'M-${serial_number}' }],
          },
        },
        { do: 'command', command: { Command: { RequestType: 'ProfileList' } } },
        { do: 'hold' },
        { do: 'release' },
      ],
      time_limit_s: 1200,
    })
    const steps = await stepsFor()
    expect(steps.map(termsIn)).toEqual(
      [
        { kind: 'profile', subject: profile, required: true, timeoutMs: 20_000 },
        {
          kind: 'package',
          subject: '/repo/a.plist',
          wait: { kind: 'installed', identifier: 'com.x' },
        },
        { kind: 'package', subject: 'https://x.example/b.plist' },
        { kind: 'app', subject: '361309726' },
        {
          kind: 'declarations',
          subject: 'com.example.a',
          timeoutMs: 60_000,
          wait: { kind: 'valid', of: ['com.example.a'] },
        },
        { kind: 'command', subject: 'Settings' },
        { kind: 'command', subject: 'ProfileList' },
        { kind: 'hold', subject: '', timeoutMs: 1_200_000, wait: { kind: 'signal' } },
      ].map((step) => ({ required: false, timeoutMs: 300_000, wait: { kind: 'ack' }, ...step })),
    )
    const install = { RequestType: 'InstallApplication', ManagementFlags: 1 }
    expect([1, 2, 3, 5, 6].map((n) => commandOf(steps[n]))).toEqual([
      { ...install, ManifestURL: `${ORIGIN}/repo/a.plist` },
      { ...install, ManifestURL: 'https://x.example/b.plist' },
      { ...install, iTunesStoreID: 361309726, Options: { PurchaseMethod: 1 } },
      { RequestType: 'Settings', Settings: [{ Item: 'DeviceName', DeviceName: 'M-C02PLAN' }] },
      { RequestType: 'ProfileList' },
    ])
    const [first] = steps
    expect(first).toMatchObject({ command: { requestType: 'InstallProfile', secret: true } })
    const { Payload: payload } = commandOf(first)
    expect(new TextDecoder().decode(payload as Uint8Array)).toContain(profile)
    const uuids = steps.flatMap(({ command }) => command?.uuid ?? [])
    expect(new Set(uuids).size).toBe(6)
  })

  it('has a fault for each step that cannot run, and the others', async () => {
    const profile = await storeProfile()
    await api('PUT', '/api/setup-users/plan-lost', { short_name: 'a', password: 'secret' })
    await env.DB.prepare("UPDATE setup_users SET sealed = x'00' WHERE uuid = 'plan-lost'").run()
    const name = { item: 'DeviceName', device_name: '${device_name}' }
    const steps = [
      { do: 'profile', id: profile },
      { do: 'command', command: { request_type: 'Settings', settings: [name] } },
      { do: 'command', command: { request_type: 'EnableLostMode', message: 'x' } },
      { do: 'account', admin: 'plan-lost' },
      { do: 'command', command: { request_type: 'ProfileList' } },
    ]
    await storeBlueprint({ steps })
    await api('DELETE', `/api/profiles/${profile}`)
    const planned = await stepsFor({ facts: { ...MAC.facts, DeviceName: '' } })
    expect(planned.map(({ fault }) => fault)).toEqual([
      `no profile is stored under the id ${profile} any more: store it, or edit the step`,
      'the device has not told its device_name',
      'macOS does not have the command EnableLostMode',
      expect.stringMatching(/^the password of a cannot be read: not a sealed value/),
      undefined,
    ])
    expect(planned.map(({ command }) => command !== undefined)).toEqual([
      false,
      false,
      false,
      false,
      true,
    ])
  })

  it('has faults for a user that is gone, or has no password', async () => {
    const account = (admin: string) => ({
      ...BLUEPRINT_DEFAULTS,
      uuid: 'plan-users',
      name: 'Users',
      apply_at: ['Enroll'],
      steps: [{ do: 'account', admin } as const],
    })
    await storeRow(env.DB, account('plan-gone'), 0)
    expect((await stepsFor())[0]?.fault).toMatch(/^no setup user has the id plan-gone any more/)
    const user = { uuid: 'plan-none', user_shortname: 'ada', password_hash: 'aGFzaA==' }
    await api('PUT', '/v1/users', { user })
    await storeRow(env.DB, account('plan-none'), 0)
    expect((await stepsFor())[0]?.fault).toMatch(/^the setup user ada has no usable password/)
  })
})

describe('the account of a plan', () => {
  it('is one administrator with the stored hash', async () => {
    const user = { short_name: 'itadmin', long_name: 'IT', hidden: true, password: 'secret' }
    await api('PUT', '/api/setup-users/plan-1', user)
    const primary = { full_name: 'Staff', user_name: 's-${serial_number}', lock: true }
    await storeBlueprint({
      steps: [{ do: 'account', admin: 'plan-1', regular_user: true, primary }],
    })
    const [step] = await stepsFor()
    expect(step).toMatchObject({ kind: 'account', subject: 'plan-1', awaitingOnly: true })
    expect(step?.command).toMatchObject({ requestType: 'AccountConfiguration', secret: true })
    expect(step?.command).not.toHaveProperty('password')
    expect(commandOf(step)).toEqual({
      RequestType: 'AccountConfiguration',
      SetPrimarySetupAccountAsRegularUser: true,
      LockPrimaryAccountInfo: true,
      PrimaryAccountFullName: 'Staff',
      PrimaryAccountUserName: 's-C02PLAN',
      AutoSetupAdminAccounts: [
        {
          shortName: 'itadmin',
          fullName: 'IT',
          hidden: true,
          passwordHash: expect.any(Uint8Array),
        },
      ],
    })
  })

  it('gets a password of each device, with its hash', async () => {
    const user = { short_name: 'itadmin', generate_password: true }
    await api('PUT', '/api/setup-users/plan-2', user)
    await storeBlueprint({ steps: [{ do: 'account', admin: 'plan-2' }] })
    const [one] = await stepsFor()
    const [other] = await stepsFor()
    const password = one?.command?.password ?? ''
    expect(password).toMatch(/^[A-Z][a-z]{3}(-[a-z]{4}){3}-\d{4}$/)
    expect(other?.command?.password).not.toBe(password)
    const [account] = commandOf(one)['AutoSetupAdminAccounts'] as { passwordHash: Uint8Array }[]
    const hash = readPlist(account?.passwordHash ?? new Uint8Array()) as PlistDict
    const { entropy, salt, iterations } = dictAt(hash, 'SALTED-SHA512-PBKDF2') as {
      entropy: Uint8Array
      salt: Uint8Array
      iterations: number
    }
    const { subtle } = webcrypto
    expect(await pbkdf2(password, { subtle, salt, iterations })).toEqual(entropy)
    expect(new TextDecoder().decode(one?.command?.payload)).not.toContain(password)
  })

  it('is left out outside Setup Assistant', async () => {
    await api('PUT', '/api/setup-users/plan-3', { short_name: 'a', generate_password: true })
    await storeBlueprint({ steps: [{ do: 'account', admin: 'plan-3' }, { do: 'hold' }] })
    expect((await stepsFor({ awaiting: false })).map(({ kind }) => kind)).toEqual(['hold'])
  })
})

describe('a device that claims the serial number of another', () => {
  beforeEach(async () => {
    await env.DB.batch([
      env.DB.prepare(`INSERT OR REPLACE INTO dep_accounts (id, server_uuid, added_at, token_at)
        VALUES ('plan-acc', 'plan-server', 0, 0)`),
      env.DB.prepare(`INSERT OR REPLACE INTO dep_devices
        (serial, account, live, profile_uuid, record, added_at, changed_at)
        VALUES ('C02PLAN', 'plan-acc', 1, 'plan-p', '{}', 0, 0)`),
    ])
  })

  it.each([
    { serial: ['C02PLAN'] },
    { serial: ['*'] },
    { dep_profile: ['plan-p'] },
    { account: ['plan-server'] },
    { enrollment: ['ade'] },
  ])('gets nothing of a blueprint with %j, and the device itself does', async (match) => {
    await storeBlueprint({ match, steps: [{ do: 'hold' }] })
    expect(await plan()).toBeUndefined()
    expect(await stepsFor({ serialProven: true })).toHaveLength(1)
  })

  it('nor does a device that proves an empty one', async () => {
    await storeBlueprint({ match: { serial: ['*'] }, steps: [{ do: 'hold' }] })
    expect(await plan({ serial: '', serialProven: true })).toBeUndefined()
  })
})

describe('a device that enrols again', () => {
  it('skips what it has already, if the blueprint says so', async () => {
    const profile = await storeProfile()
    const id = await storeBlueprint({
      reenroll: 'changed',
      steps: [{ do: 'profile', id: profile }, { do: 'hold' }],
    })
    const first = await stepsFor({ awaiting: false })
    expect(first.map(({ kind, onlyIfChanged }) => [kind, onlyIfChanged])).toEqual([
      ['profile', undefined],
      ['hold', undefined],
    ])
    const again = await stepsFor({ awaiting: false, isFirst: false })
    expect(again).toMatchObject([{ kind: 'profile', onlyIfChanged: true }])
    expect(again[0]?.fingerprint).toBe(first[0]?.fingerprint)
    await storeProfile(profile, '<key>X</key><true/>')
    const changed = await stepsFor({ awaiting: false, isFirst: false })
    expect(changed[0]?.fingerprint).not.toBe(first[0]?.fingerprint)
    await api('DELETE', `/api/blueprints/${id}`)
  })
})

it('a change of another isolate counts within 30 seconds, an own one at once', async () => {
  expect(await plan()).toBeUndefined()
  await env.DB.prepare(
    `INSERT INTO blueprints (uuid, name, blueprint, version, changed_at)
      SELECT 'plan-other', 'Plan other', ?, 1, 0`,
  )
    .bind(JSON.stringify({ ...BLUEPRINT_DEFAULTS, apply_at: ['Enroll'], steps: [] }))
    .run()
  expect(await plan()).toBeUndefined()
  turn(30_000)
  expect(await plan()).toMatchObject({ blueprints: [{ uuid: 'plan-other' }] })
  await api('DELETE', '/api/blueprints/plan-other')
  expect(await plan()).toBeUndefined()
})
