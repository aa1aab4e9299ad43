/** Where the keys of a server are: in secrets, in the object Control, or in both (docs/claim.md §2). */
import { runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import {
  claimedServer,
  codeOf,
  isolateOf,
  newRing,
  newServer,
  unreachable,
  type Shown,
} from './claim-tools.ts'
import { turn } from './clock.ts'
import { keyWith } from './key-tools.ts'

const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
beforeEach(() => {
  warned.mockClear()
})

type Server = ReturnType<typeof newServer>
type Isolate = ReturnType<typeof isolateOf>

/** The object loses its memory, as in a deploy. */
async function restart({ control }: Server): Promise<void> {
  await runInDurableObject(control(), (_, state) => state.abort('restart')).catch(() => undefined)
}

const bothOf = ({ seal_keys: SEAL_KEYS }: Shown) => ({ API_KEY: 'an API key', SEAL_KEYS })
const idsOf = ({ sealKeys }: Config) => sealKeys.map(({ id, place }) => `${place} ${id}`)
const idOf = (text: string): string => createSealer(text).keyIds.join()

/** The tokens of enrolment links: the one that is shown, and older ones. */
function tokensOf({ enrollment: { access } }: Config): readonly string[] {
  return access.mode === 'token' ? [access.token, ...access.olderTokens] : []
}

const TOKENS = { ENROLLMENT: 'token' }
const get = ({ ask }: Isolate, path = '/api/devices') => ask(path)

describe('a server that has had its secrets once', () => {
  const secrets = () => ({ API_KEY: 'an API key', SEAL_KEYS: newRing() })

  it.each([
    ['API_KEY', { API_KEY: '' }],
    ['SEAL_KEYS', { SEAL_KEYS: '' }],
    ['SEAL_KEYS', { API_KEY: '', SEAL_KEYS: '' }],
  ])('names %s when it is missing later, and shows no page', async (name, lost) => {
    const server = newServer()
    const had = secrets()
    expect((await get(server.isolate(had), '/readyz')).status).not.toBe(404)
    await restart(server)
    const later = server.isolate({ ...had, ...lost })
    const answer = await get(later)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      code: 'not_configured',
      detail: expect.stringContaining(`${name} is not set`),
    })
    expect(await codeOf(await later.claim())).toEqual([503, 'not_configured'])
    expect(await codeOf(await later.confirm())).toEqual([503, 'not_configured'])
    expect((await later.ask('/setup')).status).toBe(503)
    expect(await later.state()).toMatchObject({ claimed: true })
    expect((await later.ask('/mdm/connect', { method: 'PUT' })).status).toBe(503)
  })

  it('is claimed too if it accepts the keys of admins alone', async () => {
    const server = newServer()
    await get(server.isolate({ SEAL_KEYS: newRing(), ADMIN_KEYS_ONLY: 'true' }))
    expect(await codeOf(await server.isolate().claim())).toEqual([503, 'not_configured'])
  })

  it('tells Control once for each isolate, and again after a failure', async () => {
    const server = newServer()
    const had = secrets()
    await get(server.isolate({ ...had, ...unreachable }))
    expect(await server.isolate().state()).toMatchObject({ claimed: false })
    turn(5000)
    await get(server.isolate(had))
    expect(await server.isolate().state()).toMatchObject({ claimed: true })
    const calls: string[] = []
    const watched = new Proxy(server.control(), {
      get: (control, name) => {
        calls.push(String(name))
        const call: unknown = Reflect.get(control, name)
        return typeof call === 'function' ? call.bind(control) : call
      },
    })
    const isolate = server.isolate({ ...had, CONTROL: { getByName: () => watched } })
    await get(isolate, '/')
    await get(isolate, '/')
    expect(calls).toEqual([])
  })

  it('is claimed although its owner is older than claims: it has keys', async () => {
    await keyWith('read')
    const older = isolateOf({ API_KEY: '', SEAL_KEYS: '', SETUP_CODE: newRing() })
    expect(await codeOf(await older.claim())).toEqual([503, 'not_configured'])
  })
})

it.each([['API_KEY'], ['SEAL_KEYS']])(
  'a new server with %s alone says what is missing, and shows no page',
  async (name) => {
    const { ask, claim } = newServer().isolate({ [name]: newRing() })
    expect(await codeOf(await ask('/api/devices'))).toEqual([503, 'not_configured'])
    expect(await codeOf(await claim())).toEqual([503, 'not_configured'])
  },
)

describe('while Control does not answer', () => {
  it('a server without secrets is 503, and not unclaimed', async () => {
    const { ask, claim, state } = newServer().isolate(unreachable)
    expect(await codeOf(await ask('/api/devices'))).toEqual([503, 'unavailable'])
    expect(await codeOf(await claim())).toEqual([503, 'unavailable'])
    expect(await state()).toMatchObject({ code: 'unavailable' })
    expect((await ask('/setup')).status).toBe(503)
    expect((await ask('/mdm/connect', { method: 'PUT' })).status).toBe(503)
    expect(await (await ask('/readyz')).json()).toEqual({ ready: false })
    expect((await ask('/healthz')).status).toBe(200)
  })

  it('an isolate asks again after a second, and one that knows the claim goes on', async () => {
    const server = await claimedServer()
    let isUp = false
    const isolate = server.isolate({
      CONTROL: { getByName: () => (isUp ? server.control() : unreachable.CONTROL.getByName('')) },
    })
    expect((await get(isolate)).status).toBe(503)
    isUp = true
    expect((await get(isolate)).status).toBe(503)
    turn(1000)
    expect((await get(isolate)).status).toBe(401)
    isUp = false
    turn(86_400_000)
    expect((await get(isolate)).status).toBe(401)
  })

  it('a server with its secrets goes on', async () => {
    const server = await claimedServer()
    expect((await get(server.isolate({ ...bothOf(server.shown), ...unreachable }))).status).toBe(
      401,
    )
  })
})

describe('a ring in Control', () => {
  it('serves without any secret, and beside an API_KEY', async () => {
    const server = await claimedServer()
    await restart(server)
    expect(await server.isolate().statusOf(server.shown.api_key)).toBe(200)
    expect(await server.isolate({ API_KEY: 'my-own-key' }).statusOf('my-own-key')).toBe(200)
    expect(idsOf(await server.isolate().config())).toEqual([
      `control ${idOf(server.shown.seal_keys)}`,
    ])
  })

  it('that cannot be read is 503 with the reason, and no page', async () => {
    const server = await claimedServer()
    await runInDurableObject(server.control(), (_, { storage }) => {
      storage.kv.put('claim', { by: 'page', ring: 'k1:broken', ids: [] })
    })
    const answer = await get(server.isolate())
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      code: 'not_configured',
      detail: expect.stringContaining('not 32 bytes in base64'),
    })
    expect(await codeOf(await server.isolate().claim())).toEqual([503, 'not_configured'])
  })

  it('moves to the secrets: each token is good, the shown one is the same, and Control forgets', async () => {
    const server = await claimedServer()
    const { shown } = server
    const before = server.isolate(TOKENS)
    const [token = ''] = tokensOf(await before.config())
    const moved = server.isolate({ ...TOKENS, ...bothOf(shown) })
    await moved.config()
    for (const isolate of [before, moved]) {
      expect((await isolate.ask('/mdm/enroll?token=wrong')).status).toBe(403)
      expect((await isolate.ask(`/mdm/enroll?token=${token}`)).status).not.toBe(403)
    }
    const config = await moved.config()
    expect(tokensOf(config)).toEqual([token])
    expect(idsOf(config)).toEqual([`secret ${idOf(shown.seal_keys)}`])
    const ids = [idOf(shown.seal_keys)]
    const control = server.control()
    expect(await control.ringCopy()).toEqual({ ring: shown.seal_keys, ids })
    expect(await control.forgetRing([])).toEqual({ kind: 'lacking', ids })
    expect(await control.forgetRing(ids)).toEqual({ kind: 'forgotten' })
    expect(await control.ringCopy()).toEqual({ ring: '', ids: [] })
    expect(await moved.statusOf(shown.api_key)).toBe(200)
    expect(await codeOf(await get(server.isolate()))).toEqual([503, 'not_configured'])
  })

  it.each([
    ['its own ring in the secrets', (ring: string) => ring],
    ['another ring in the secrets', newRing],
  ])('serves again when secrets are gone that were there once: %s', async (_, ringOf) => {
    const server = await claimedServer()
    const { api_key: key, seal_keys: ring } = server.shown
    const SEAL_KEYS = ringOf(ring)
    expect(await server.isolate({ API_KEY: 'an API key', SEAL_KEYS }).statusOf(key)).toBe(200)
    await restart(server)
    for (const left of [{}, { API_KEY: 'an API key' }, { SEAL_KEYS }]) {
      const isolate = server.isolate(left)
      expect(await isolate.statusOf(key)).toBe(200)
      expect((await isolate.ask('/scep?operation=GetCACaps')).status).toBe(200)
      expect((await isolate.config()).sealKeys.map(({ id }) => id)).toContain(idOf(ring))
      expect(await codeOf(await isolate.claim())).toEqual([409, 'already_claimed'])
    }
  })

  it('stands behind other secrets: values and tokens of both are good, in each isolate', async () => {
    const server = await claimedServer()
    const before = await server.isolate(TOKENS).config()
    const [token = ''] = tokensOf(before)
    const sealed = before.sealer.seal(new Uint8Array([7]), 'place')
    const SEAL_KEYS = newRing()
    for (const _ of ['one', 'other']) {
      const isolate = server.isolate({ ...TOKENS, API_KEY: 'an API key', SEAL_KEYS })
      const config = await isolate.config()
      expect(idsOf(config)).toEqual([
        `secret ${idOf(SEAL_KEYS)}`,
        `control ${idOf(server.shown.seal_keys)}`,
      ])
      expect(config.sealer.open(sealed, 'place')).toEqual(new Uint8Array([7]))
      expect(config.repeatKey.equals(before.repeatKey)).toBe(true)
      expect(tokensOf(config)).toEqual([expect.not.stringContaining(token), token])
    }
    const { kind } = await server.control().forgetRing([idOf(SEAL_KEYS)])
    expect(kind).toBe('lacking')
  })
})

it('an example is not accepted as API_KEY, while other keys and devices go on', async () => {
  const server = await claimedServer()
  const isolate = server.isolate({ ...bothOf(server.shown), API_KEY: 'ChangeMe' })
  const headers = { authorization: 'Bearer ChangeMe' }
  for (const path of ['/api/devices', '/v1/commands/A', '/metrics']) {
    const answer = await isolate.ask(path, { headers })
    expect(answer.status).toBe(503)
    const text = await answer.text()
    expect(text).toContain('API_KEY is an example')
    expect(text.toLowerCase()).not.toContain('changeme')
  }
  expect(await isolate.statusOf(server.shown.api_key)).toBe(200)
  expect((await isolate.ask('/scep?operation=GetCACaps')).status).toBe(200)
})

it('a seal key that repeats one byte is refused by name', async () => {
  const SEAL_KEYS = `k1:${Buffer.alloc(32).toString('base64')}`
  const answer = await isolateOf({ SEAL_KEYS }).ask('/api/devices')
  expect(answer.status).toBe(503)
  expect(await answer.text()).toContain('SEAL_KEYS: entry 1 repeats one byte')
})
