import { describe, expect, it } from 'vitest'
import { SCOPES, type Scope } from '../../src/keys/scopes.ts'
import { RIGHTS, rightOf } from '../../src/http/access/rights/table.ts'
import { keyWith, sendWith } from './key-tools.ts'
import { api, enrolled } from './server.ts'

const GATED = Object.keys(RIGHTS).flatMap((route) => {
  const [method = '', path = ''] = route.split(' ')
  const { needed = 'open' } = rightOf(method, path) ?? {}
  return needed === 'open' || needed === 'any' ? [] : [{ method, path, needed: needed.split('|') }]
})

const asRequested = (path: string) => path.replaceAll(/:\w+/g, 'X')

describe.each([...SCOPES])('a key with the scope %s alone', (scope) => {
  it('gets 403 from each route that needs another, and never 401', async () => {
    const key = await keyWith(scope)
    const others = GATED.filter(({ needed }) => !needed.includes(scope))
    const answers = await Promise.all(
      others.map(async ({ method, path }) => {
        const { status } = await sendWith(key, method, asRequested(path))
        return [method, path, status]
      }),
    )
    expect(others.length).toBeGreaterThan(50)
    expect(answers.filter(([, , status]) => status !== 403)).toEqual([])
  })
})

it('a refusal names the key and the scope that it lacks', async () => {
  const key = await keyWith('read')
  const own = await sendWith(key, 'DELETE', '/api/devices/X')
  expect(await own.json()).toMatchObject({
    code: 'missing_scope',
    detail: expect.stringMatching(/^key "key \d+" lacks scope destructive: /),
  })
  const theirs = await sendWith(key, 'POST', '/v1/commands', { udid: 'X' })
  expect(theirs.status).toBe(403)
  expect(await theirs.json()).toEqual({
    error: expect.stringMatching(/^key "key \d+" lacks scope command or destructive: /),
  })
})

describe('commands', async () => {
  const { udid } = await enrolled()
  const raw = (command: string) =>
    `<?xml version="1.0"?><plist version="1.0"><dict><key>CommandUUID</key><string>${crypto.randomUUID()}` +
    `</string><key>Command</key><dict>${command}</dict></dict></plist>`
  const type = (name: string) => `<key>RequestType</key><string>${name}</string>`
  const enrolment = '<key>Identifier</key><string>com.github.micromdm.micromdm.enroll</string>'

  /** Each way to queue a command for this device: of this type, with these keys of MicroMDM. */
  const ways = {
    'POST /v1/commands': (key: string, name: string, keys: object) =>
      sendWith(key, 'POST', '/v1/commands', { udid, request_type: name, ...keys }),
    'POST /api/devices/{id}/commands': (key: string, name: string, keys: object) =>
      sendWith(key, 'POST', `/api/devices/${udid}/commands`, { request_type: name, ...keys }),
    'POST /api/commands': (key: string, name: string, keys: object) =>
      sendWith(key, 'POST', '/api/commands', {
        ids: [udid],
        command: { request_type: name, ...keys },
        confirm: { request_type: name, count: 1 },
      }),
  } as const

  const losing: readonly (readonly [string, object])[] = [
    ['EraseDevice', { pin: '123456' }],
    ['DeviceLock', { pin: '123456' }],
    ['ShutDownDevice', {}],
    ['RemoveProfile', { identifier: 'com.github.micromdm.micromdm.enroll' }],
  ]

  describe.each(Object.entries(ways))('%s', (_, send) => {
    it.each(losing)('%s needs `destructive`', async (name, keys) => {
      const before = await waiting()
      expect((await send(await keyWith('read', 'command'), name, keys)).status).toBe(403)
      expect(await waiting()).toBe(before)
      expect((await send(await keyWith('destructive'), name, keys)).status).toBeLessThan(300)
    })

    it('any other needs `command`', async () => {
      expect((await send(await keyWith('destructive'), 'ProfileList', {})).status).toBe(403)
      expect((await send(await keyWith('command'), 'ProfileList', {})).status).toBeLessThan(300)
      const profile = { identifier: 'com.example.wifi' }
      const key = await keyWith('command')
      expect((await send(key, 'RemoveProfile', profile)).status).toBeLessThan(300)
    })
  })

  it('a plist needs the scope of its type, and an unknown type needs `destructive`', async () => {
    const key = await keyWith('command')
    const send = (command: string) => sendWith(key, 'POST', `/v1/commands/${udid}`, raw(command))
    expect((await send(type('EraseDevice'))).status).toBe(403)
    expect((await send(type('eraseDevice'))).status).toBe(403)
    expect((await send(type('RemoveProfile') + enrolment)).status).toBe(403)
    const spelled = enrolment.replace('com.github', ' COM.GitHub')
    expect((await send(type('RemoveProfile') + spelled)).status).toBe(403)
    expect((await send(type('NewInAnotherYear'))).status).toBe(403)
    expect((await send(type('ProfileList'))).status).toBe(201)
  })

  it('a blueprint with such a command needs `destructive` beside `config`', async () => {
    const put = (key: string) =>
      sendWith(key, 'PUT', '/api/blueprints/ends', {
        name: 'ends',
        steps: [{ do: 'command', command: { request_type: 'ShutDownDevice' } }],
      })
    expect((await put(await keyWith('config'))).status).toBe(403)
    expect((await put(await keyWith('config', 'destructive'))).status).toBe(201)
  })

  it('so does a setup that is done again while there is such a blueprint', async () => {
    const steer = async (action: string, ...scopes: Scope[]) =>
      (
        await sendWith(await keyWith(...scopes), 'POST', `/api/devices/${udid}/setup`, {
          action,
          step: 0,
        })
      ).status
    for (const action of ['retry', 'restart']) {
      expect(await steer(action, 'command')).toBe(403)
      expect(await steer(action, 'command', 'destructive')).not.toBe(403)
    }
    expect(await steer('skip', 'command')).not.toBe(403)
  })

  async function waiting(): Promise<number> {
    const { body } = await api<{ items: unknown[] }>('GET', `/api/devices/${udid}/commands`)
    return body.items.length
  }
})

it('the hashes of passwords need `secrets`', async () => {
  expect((await sendWith(await keyWith('read'), 'POST', '/v1/users', {})).status).toBe(403)
  expect((await sendWith(await keyWith('secrets'), 'POST', '/v1/users', {})).status).toBe(200)
})

it('no scope implies another: a key with all but one is refused by routes of that one', async () => {
  const missing: Scope = 'enroll'
  const key = await keyWith(...SCOPES.filter((scope) => scope !== missing))
  expect((await sendWith(key, 'GET', '/api/enrollment')).status).toBe(403)
  expect((await sendWith(key, 'GET', '/api/devices')).status).toBe(200)
})

it('a key without the scope of a bulk command hears so before any device is looked for', async () => {
  const command = { request_type: 'EraseDevice' }
  const answer = await sendWith(await keyWith('command'), 'POST', '/api/commands', {
    filter: { serial_number: ['NOT-THERE'], platform: ['macOS'], os_version: '1' },
    command,
  })
  expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'missing_scope' }])
  const empty = await sendWith(await keyWith('command'), 'POST', '/api/commands', {
    ids: [],
    command,
  })
  expect([empty.status, await empty.json()]).toMatchObject([403, { code: 'missing_scope' }])
})
