/** A new isolate with complete secrets does not know yet which seal keys Control holds (docs/claim.md §2). */
import { createSealer } from '../../src/pki/seal/seal.ts'
import {
  bindingOf,
  CHALLENGE_PURPOSE,
  nonceOf,
  writeChallenge,
} from '../../src/pki/seal/challenge.ts'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { claimedServer, isolateOf, newRing, unreachable } from './claim-tools.ts'
import { clock, turn } from './clock.ts'
import { enrol, install, newAuthority, someKey } from './scep-client.ts'
import { env } from './server.ts'

vi.spyOn(console, 'warn').mockImplementation(() => undefined)
beforeAll(() => install(newAuthority()))

type Isolate = ReturnType<typeof isolateOf>
type Server = Awaited<ReturnType<typeof claimedServer>>

/** The secrets have another ring than Control. The CA of these tests is sealed by the second key. */
const secrets = () => ({
  ENROLLMENT: 'token',
  API_KEY: 'an API key',
  SEAL_KEYS: `${newRing()},${env.SEAL_KEYS}`,
})

async function tokenOf({ isolate }: Server): Promise<string> {
  const { access } = (await isolate({ ENROLLMENT: 'token' }).config()).enrollment
  return access.mode === 'token' ? access.token : ''
}

describe('a token of enrolment links', () => {
  const statusOf = async ({ ask }: Isolate, token: string, path = '/mdm/enroll') =>
    (await ask(`${path}?token=${token}`)).status

  it.each(['/mdm/enroll', '/ota/enroll'])(
    'of a key of Control is never refused for good: %s',
    async (path) => {
      const server = await claimedServer()
      const token = await tokenOf(server)
      const isolate = server.isolate(secrets())
      expect(await statusOf(isolate, token, path)).toBe(503)
      expect(await statusOf(isolate, token, path)).not.toBe(403)
    },
  )

  it('that is wrong is refused once the isolate has heard Control, and asked again before', async () => {
    const server = await claimedServer()
    const vars = secrets()
    const silent = server.isolate({ ...vars, ...unreachable })
    for (const _ of ['first', 'second']) {
      expect(await statusOf(silent, 'wrong')).toBe(503)
    }
    turn(5000)
    const isolate = server.isolate(vars)
    expect(await statusOf(isolate, 'wrong')).toBe(503)
    expect(await statusOf(isolate, 'wrong')).toBe(403)
    expect(await statusOf(server.isolate(vars), 'wrong')).toBe(403)
  })

  it('that is missing is refused at once', async () => {
    const server = await claimedServer()
    expect((await server.isolate(secrets()).ask('/mdm/enroll')).status).toBe(403)
  })

  it('is shown on the page as a case for a second try', async () => {
    const server = await claimedServer()
    const isolate = server.isolate(secrets())
    expect(await (await isolate.ask('/?token=wrong')).text()).toContain('try again')
    expect(await (await isolate.ask('/?token=wrong')).text()).toContain('a wrong one')
  })
})

describe('a challenge', () => {
  /** The answer to a SCEP request, which is the first request of the isolate. */
  async function answerTo({ ask }: Isolate, ring: string): Promise<number | 'issued' | 'refused'> {
    const challenge = writeChallenge(createSealer(ring).derive(CHALLENGE_PURPOSE)[0], {
      profile: 1,
      counted: false,
      issuedAt: clock.now(),
      expiresAt: clock.now() + 3_600_000,
      binding: bindingOf({ udid: crypto.randomUUID() }),
      nonce: nonceOf(),
    })
    let status = 0
    try {
      await enrol({
        challenge,
        key: someKey,
        fetch: async (url, init) => {
          const isRequest = url.includes('PKIOperation')
          const { pathname, search } = new URL(url)
          const answer = await (isRequest ? ask : isolateOf({}).ask)(pathname + search, init)
          status = answer.status
          return answer
        },
      })
      return 'issued'
    } catch {
      return status === 200 ? 'refused' : status
    }
  }

  it('of a key of Control is good as soon as the isolate has heard Control', async () => {
    const server = await claimedServer()
    const isolate = server.isolate(secrets())
    expect(await answerTo(isolate, server.shown.seal_keys)).toBe(503)
    expect(await answerTo(isolate, server.shown.seal_keys)).toBe('issued')
  })

  it('that no key has made is 503 as long as Control does not answer, and then refused', async () => {
    const server = await claimedServer()
    const vars = secrets()
    expect(await answerTo(server.isolate({ ...vars, ...unreachable }), newRing())).toBe(503)
    turn(5000)
    const isolate = server.isolate(vars)
    expect(await answerTo(isolate, newRing())).toBe(503)
    expect(await answerTo(isolate, newRing())).toBe('refused')
  })

  it('of the secrets needs no word of Control', async () => {
    const server = await claimedServer()
    const silent = server.isolate({ ...secrets(), ...unreachable })
    expect(await answerTo(silent, env.SEAL_KEYS)).toBe('issued')
  })
})
