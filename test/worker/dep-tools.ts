import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { vi } from 'vitest'
import { configOf } from '../../src/config/config.ts'
import { type DepStub, importToken } from '../../src/dep-account/import.ts'
import type { DepState } from '../../src/dep-account/state.ts'
import type { DepToken } from '../../src/dep/records.ts'
import type { DepRule } from '../../src/dep/rules.ts'
import { storeRules } from '../../src/directory/dep/accounts.ts'
import { type DepDeviceRow, findDepDevice } from '../../src/directory/dep/search.ts'
import { clock, turn } from './clock.ts'
import { env } from './server.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export function newToken(more: Partial<DepToken> = {}): DepToken {
  return {
    consumerKey: `CK_${crypto.randomUUID()}`,
    consumerSecret: 'CS_secret',
    accessToken: `AT_${crypto.randomUUID()}`,
    accessSecret: 'AS_secret',
    expiresAt: clock.now() + 300 * DAY,
    ...more,
  }
}

export function testConfig() {
  const result = configOf(env)
  if (!result.ok) {
    throw new Error(result.problems.join())
  }
  return result.config
}

/** An account in the test's own words. */
export interface TestAccount {
  readonly id: string
  readonly stub: DepStub & DurableObjectStub
  sync(full?: boolean): Promise<unknown>
  /** Lets time pass, and rings the alarm each time that it is due. */
  pass(ms: number): Promise<void>
  alarmAt(): Promise<number | null>
  state(): Promise<DepState>
  setState(change: Partial<DepState>): Promise<void>
  rules(rules: readonly DepRule[]): Promise<void>
  device(serial: string): Promise<DepDeviceRow | undefined>
}

export async function newAccount(
  moved?: Parameters<typeof importToken>[3],
  token = newToken(),
): Promise<TestAccount> {
  const imported = await importToken(env, testConfig(), token, moved)
  if (imported.kind !== 'imported') {
    throw new Error(imported.error)
  }
  return accountWith(imported.account.id)
}

export function accountWith(id: string): TestAccount {
  const stub = env.DEP.getByName(id)
  const alarmAt = () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
  return {
    id,
    stub,
    sync: (full = false) => stub.sync({ full, waitMs: 25_000 }),
    async pass(ms) {
      const end = clock.now() + ms
      for (;;) {
        const at = await alarmAt()
        if (at === null || at > end) {
          break
        }
        turn(Math.max(at - clock.now(), 0))
        await runDurableObjectAlarm(stub)
      }
      turn(end - clock.now())
    },
    alarmAt,
    state: () =>
      runInDurableObject(stub, (_, { storage }) => {
        const state = storage.kv.get<DepState>('state')
        if (!state) {
          throw new Error('no state')
        }
        return state
      }),
    setState: (change) =>
      runInDurableObject(stub, (_, { storage }) => {
        const state = storage.kv.get<DepState>('state')
        storage.kv.put('state', { ...state, ...change })
      }).then(() => evictDurableObject(stub)),
    rules: (rules) => storeRules(env.DB, id, rules),
    device: (serial) => findDepDevice(env.DB, serial),
  }
}

/** The events of an account so far. */
export function watchEvents(): { readonly of: (id: string, topic: string) => unknown[] } {
  const told: { id: string; topic: string; about: unknown }[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    const event = JSON.parse(line) as Record<string, string>
    if (event['event'] === 'dep:event') {
      const { account = '', topic = '', about = '{}' } = event
      // A line of the log cuts long texts.
      told.push({ id: account, topic, about: about.endsWith('}') ? JSON.parse(about) : about })
    }
  })
  return {
    of: (id, topic) =>
      told.filter((one) => one.id === id && one.topic === topic).map(({ about }) => about),
  }
}

let count = 0

/** Serial numbers that no other test has. */
export function serials(number: number): string[] {
  count += 1
  return Array.from({ length: number }, (_, n) => `D${count}X${String(n).padStart(5, '0')}`)
}

/** A rule for all devices. */
export function forAll(profile: string): DepRule[] {
  return [{ match: {}, profile }]
}

/** Defines a profile. @returns its uuid */
export async function define(account: TestAccount, name: string, more = {}): Promise<string> {
  const given = { profile_name: name, url: 'https://mdm.example.com/mdm/enroll', ...more }
  const defined = await account.stub.define(given)
  if (defined.kind !== 'defined') {
    throw new Error(JSON.stringify(defined))
  }
  return defined.uuid
}

/** An account whose rule gives all devices one profile. */
export async function ruled(): Promise<{ account: TestAccount; uuid: string }> {
  const account = await newAccount()
  const uuid = await define(account, 'Staff')
  await account.rules(forAll('Staff'))
  return { account, uuid }
}
