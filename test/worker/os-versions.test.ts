import { describe, expect, it } from 'vitest'
import { runDailyDuties } from '../../src/cron.ts'
import { requireConfig } from '../../src/config/config.ts'
import type { Env } from '../../src/env.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { api, env, release, resetRules, rule, until } from './server.ts'

const DAY = 86_400_000
const URL_PATH = 'lists.example.com/os-versions.json'
const FEED = `https://${URL_PATH}`
const VERSIONS = '/api/software-updates/versions'

interface Problem {
  detail: string
}
interface Policy {
  chosen: { platform: string; version: string; deadline: string; withdrawn: string | null }[]
}
interface List {
  url: string | null
  fetched_at: string | null
  error: string | null
  versions: { version: string }[]
}

const dayIn = (days: number) => new Date(clock.now() + days * DAY).toISOString().slice(0, 10)
const mac = (version: string, age: number, more: object = {}) => ({
  platform: 'macOS',
  version,
  released: dayIn(-age),
  ...more,
})
const upload = (...versions: object[]) => api<List>('PUT', VERSIONS, { versions })
const nameFeed = (url = FEED) => api<List>('PUT', '/api/software-updates/feed', { url })
const answers = (status: number, body: string, more: object = {}) =>
  rule({ on: 'webhook', match: URL_PATH, status, times: 1, body, ...more })
const daily = () => runDailyDuties(env as unknown as Env, requireConfig(env))

let count = 0
async function newest(target: object = {}, days = 20) {
  const name = `newest-${++count}`
  const body = {
    platforms: ['macOS'],
    target: { newest: true, ...target },
    deadline: { days_after_release: days, time: '19:00' },
  }
  const put = await api<Policy & Problem>('PUT', `/api/software-updates/${name}`, body)
  const chosen = async () =>
    (await api<Policy>('GET', `/api/software-updates/${name}`)).body.chosen[0]
  return { put, chosen }
}

describe('the newest version', () => {
  it('needs a list, and the refusal names both calls that give one', async () => {
    const { put } = await newest()
    expect(put.status).toBe(400)
    expect(put.body.detail).toContain('PUT /api/software-updates/versions')
    expect(put.body.detail).toContain('PUT /api/software-updates/feed')
  })

  it('is of the list, old enough and of the major version that is asked for', async () => {
    await upload(mac('26.2', 3), mac('26.1', 40), mac('15.7', 2), mac('14.8', 90))
    expect(await (await newest()).chosen()).toMatchObject({ version: '26.2' })
    expect(await (await newest({ older_than_days: 30 })).chosen()).toMatchObject({
      version: '26.1',
    })
    expect(await (await newest({ major: 15 })).chosen()).toMatchObject({ version: '15.7' })
    const { put } = await newest({ major: 13 })
    expect([put.status, put.body.detail]).toEqual([400, expect.stringContaining('macOS')])
  })

  it('has a deadline after its release, and at least two days after the choice', async () => {
    await upload(mac('26.2', 3))
    expect(await (await newest()).chosen()).toMatchObject({ deadline: `${dayIn(17)}T19:00:00` })
    const { chosen } = await newest({}, 1)
    expect(await chosen()).toMatchObject({ deadline: `${dayIn(2)}T19:00:00` })
    const before = await chosen()
    turn(DAY)
    await daily()
    expect(await chosen()).toEqual(before)
  })

  it('follows the list, and the days', async () => {
    await upload(mac('26.1', 40), mac('26.2', 29))
    const [first, patient] = [await newest(), await newest({ older_than_days: 30 })]
    expect(await patient.chosen()).toMatchObject({ version: '26.1' })
    turn(2 * DAY)
    await daily()
    expect(await patient.chosen()).toMatchObject({ version: '26.2' })
    await upload(mac('26.3', 0), mac('26.2', 31))
    expect(await first.chosen()).toMatchObject({ version: '26.3' })
    expect(await patient.chosen()).toMatchObject({ version: '26.2' })
  })

  it('is withdrawn with a reason when Apple no longer signs any', async () => {
    await upload(mac('26.2', 3, { expires: dayIn(5) }))
    const { chosen } = await newest()
    expect(await chosen()).toMatchObject({ withdrawn: null })
    turn(7 * DAY)
    await daily()
    expect(await chosen()).toMatchObject({
      version: '26.2',
      withdrawn: expect.stringContaining('none for macOS'),
    })
    const gone = {
      platforms: ['macOS'],
      target: { version: '26.2' },
      deadline: { local: '2030-01-01T19:00:00' },
    }
    const { status, body } = await api<Problem>('PUT', '/api/software-updates/gone', gone)
    expect([status, body.detail]).toEqual([
      400,
      expect.stringContaining('does not sign macOS 26.2'),
    ])
  })
})

describe('the list of OS versions', () => {
  it('may be Apple’s own', async () => {
    const list = (version: string) => ({
      macOS: [
        { ProductVersion: version, PostingDate: '2026-01-01', SupportedDevices: ['J314cAP'] },
      ],
    })
    const apples = { PublicAssetSets: list('26.1'), AssetSets: list('26.2') }
    const { body } = await api<List>('PUT', VERSIONS, apples)
    expect(body.versions.map(({ version }) => version)).toEqual(['26.1', '26.2'])
    const bad = await api<Problem>('PUT', VERSIONS, { versions: [{ version: '26' }] })
    expect([bad.status, bad.body.detail]).toEqual([400, expect.stringContaining('versions[0]')])
  })

  it('is fetched when a feed is named and each day, and a failure keeps it', async () => {
    await answers(200, JSON.stringify({ versions: [mac('26.2', 3)] }))
    const { body: named } = await nameFeed()
    expect(named).toMatchObject({ url: FEED, error: null, versions: [{ version: '26.2' }] })
    turn(DAY)
    await answers(200, JSON.stringify({ versions: [mac('26.3', 1)] }))
    await daily()
    const { body: next } = await api<List>('GET', VERSIONS)
    expect(next).toMatchObject({ error: null, versions: [{ version: '26.3' }] })
    await answers(500, 'broken')
    await daily()
    expect((await api<List>('GET', VERSIONS)).body).toEqual({
      ...next,
      tried_at: expect.any(String),
      error: 'it answered with status 500',
    })
  })

  it.each([
    [
      'a redirect',
      302,
      '',
      { headers: { location: 'https://other.example.com/x' } },
      'other.example.com/x',
    ],
    ['a page', 200, '<html>', {}, 'neither'],
    ['more than 2 MB', 200, `"${'x'.repeat(2_000_001)}"`, {}, 'it has more than 2 MB'],
  ])('is not %s', async (_, status, body, more, words) => {
    await upload(mac('26.2', 3))
    await answers(status, body, more)
    const { body: list } = await nameFeed()
    expect(list).toMatchObject({
      versions: [{ version: '26.2' }],
      error: expect.stringContaining(words),
    })
  })

  it('is waited for 20 s', async () => {
    await answers(200, '{}', { held: true })
    const naming = nameFeed()
    let isDone = false
    const done = naming.then(() => (isDone = true))
    await until(
      async () => isDone,
      (is) => is,
      () => turnTimers(5000),
    )
    await done
    expect((await naming).body.error).toBe('no answer within 20 s')
    await release()
    await resetRules()
  })

  it.each([
    'http://lists.example.com/x',
    'https://10.0.0.1/x',
    'https://localhost/x',
    'https://user:secret@lists.example.com/x',
    'ftp://lists.example.com/x',
  ])('is not fetched from %s', async (url) => {
    expect((await nameFeed(url)).status).toBe(400)
  })
})
