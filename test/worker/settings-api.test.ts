import { beforeEach, expect, it, vi } from 'vitest'
import { SETTINGS_KNOWN } from '../../src/config/known.ts'
import { ask, bearer, newKey } from './keys-api-tools.ts'

interface Setting {
  name: string
  source: string
  set_as: string | null
  value: string | null
  default: string
}

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
})

async function settingsWith(vars: object): Promise<Map<string, Setting>> {
  const { key } = await newKey(['read'])
  const response = await ask('/api/settings', bearer(key), vars)
  const { items } = (await response.json()) as { items: Setting[] }
  return new Map(items.map((item) => [item.name, item]))
}

it('each setting is there, as the Worker reads it', async () => {
  const settings = await settingsWith({ KEEP_RESULTS: '50/7d', MICROMDM_HTTP_HOMEPAGE: 'false' })
  expect([...settings.keys()]).toEqual(SETTINGS_KNOWN.map(([name]) => name))
  expect(settings.get('KEEP_RESULTS')).toMatchObject({ source: 'set', value: '50/7d' })
  expect(settings.get('HOMEPAGE')).toMatchObject({
    set_as: 'MICROMDM_HTTP_HOMEPAGE',
    value: 'false',
  })
  expect(settings.get('AUDIT_DAYS')).toMatchObject({
    source: 'default',
    value: null,
    default: '400',
  })
})

it('no secret is in it, not even in an address', async () => {
  const secret = 'it-is-a-secret-of-40-characters-and-random'
  const names = SETTINGS_KNOWN.filter(([, , , facts]) => facts?.is === 'secret')
  const address = (host: string) =>
    `https://user:${secret}@${host}.example.com/in/${secret}?token=${secret}`
  const readable = names.filter(([name]) => /API_KEY|ENROLL_TOKEN|SCEP_CHALLENGE$/.test(name))
  const settings = await settingsWith({
    ...Object.fromEntries(readable.map(([name]) => [name, secret])),
    ENROLLMENT: 'token',
    WEBHOOK_URL: address('hooks'),
    DM_URL: address('dm'),
  })
  expect(JSON.stringify([...settings.values()])).not.toContain(secret)
  expect(settings.get('WEBHOOK_URL')?.value).toBe('https://hooks.example.com/…')
  for (const [name] of names) {
    expect(settings.get(name)?.value, name).toBeNull()
  }
  expect(settings.get('ENROLL_TOKEN')).toMatchObject({ source: 'set' })
})
