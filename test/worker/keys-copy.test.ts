import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { makeKey } from '../../src/keys/key.ts'
import { turn } from './clock.ts'
import { ask, bearer, controlBehind, newKey, revokeAll, statusOf } from './keys-api-tools.ts'
import { BASIC, enrolled } from './server.ts'

const MINUTE = 60_000
const DAY = 86_400_000

const down = controlBehind(() => {
  throw new Error('the object is unreachable')
})

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  // Copies and pauses of earlier tests are over.
  turn(DAY)
  await revokeAll()
})

describe('without the object of keys', () => {
  it('an old copy is good for ten minutes, and then only the bootstrap key', async () => {
    const { key } = await newKey(['read'])
    expect(await statusOf(key)).toBe(200)
    turn(10 * MINUTE - 1)
    expect(await statusOf(key, down)).toBe(200)
    turn(1)
    expect(await statusOf(key, down)).toBe(503)
    expect(await statusOf('test-key', down)).toBe(200)
    turn(5000)
    expect(await statusOf(key)).toBe(200)
  })

  it('a key that the copy does not know may be new: 503, to be sent again, and not 401', async () => {
    const { key } = await newKey(['read'])
    expect(await statusOf(key)).toBe(200)
    const { text } = makeKey(randomBytes)
    expect(await statusOf(text)).toBe(401)
    const answer = await ask('/api/whoami', bearer(text), down)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    const onV1 = { method: 'POST', ...bearer(text), body: '{}' }
    const other = await ask('/v1/devices', onV1, down)
    expect([other.status, other.headers.get('retry-after')]).toEqual([503, '5'])
    const typo = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`
    expect(await statusOf(typo, down)).toBe(401)
    expect(await statusOf(key, down)).toBe(200)
    turn(5000)
    expect(await statusOf(text)).toBe(401)
  })

  it('a request does not wait for it more often than every five seconds', async () => {
    const { key } = await newKey(['read'])
    await statusOf(key)
    let calls = 0
    const counted = controlBehind((method) => {
      calls += Number(method === 'view')
      throw new Error('the object is unreachable')
    })
    turn(MINUTE)
    await statusOf(key, counted)
    await statusOf(key, counted)
    expect(calls).toBe(1)
    turn(5000)
    await statusOf(key, counted)
    expect(calls).toBe(2)
  })
})

describe('the object of keys is not called', () => {
  it('for the bootstrap key, nor for devices', async () => {
    const device = await enrolled()
    const calls: string[] = []
    const watched = controlBehind((method) => calls.push(method))
    expect((await ask('/api/devices', { headers: { authorization: BASIC } }, watched)).status).toBe(
      200,
    )
    expect(await statusOf('test-key', watched)).toBe(200)
    for (const path of ['/mdm/connect', '/mdm/checkin', '/scep?operation=GetCACaps', '/']) {
      await ask(
        path,
        { headers: { ...bearer('emk_').headers, cookie: '__Host-edgemdm=x' } },
        watched,
      )
    }
    await device.poll()
    expect(calls).toEqual([])
  })

  it('more than ten times a second for keys that it does not know, on any route', async () => {
    const calls: string[] = []
    const watched = controlBehind((method) => calls.push(method))
    await statusOf('test-key')
    turn(MINUTE)
    for (let n = 0; n < 8; n++) {
      const key = makeKey(randomBytes).text
      const body = JSON.stringify({ key, who: 'Mallory' })
      const headers = { 'x-edgemdm': 'console' }
      expect(
        (await ask('/console/session', { method: 'POST', headers, body }, watched)).status,
      ).toBe(401)
      expect((await ask('/api/keys', bearer(key), watched)).status).toBe(401)
    }
    expect(calls.filter((call) => call === 'view').length).toBe(11)
    turn(1000)
    await statusOf(makeKey(randomBytes).text, watched)
    expect(calls.filter((call) => call === 'view').length).toBe(12)
  })

  it('for a text that is no key, however long', async () => {
    const calls: string[] = []
    const watched = controlBehind((method) => calls.push(method))
    const { text } = makeKey(randomBytes)
    const texts = [
      'emk_',
      `${text}0`,
      `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`,
      `emk_${'x'.repeat(49)}`,
      `emk_${'é'.repeat(49)}`,
      `emk_${'0'.repeat(100_000)}`,
    ]
    for (const one of texts) {
      const basic = Buffer.from(`micromdm:${one}`).toString('base64')
      const headers = { authorization: `Basic ${basic}` }
      expect((await ask('/api/whoami', { headers }, watched)).status).toBe(401)
    }
    expect(calls).not.toContain('view')
  })
})

it('a new key is good at once, also in many requests at the same time', async () => {
  const { key } = await newKey(['read'])
  const all = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => statusOf(key)))
  expect(all).toEqual([200, 200, 200, 200, 200, 200, 200, 200])
})
