import { describe, expect, it } from 'vitest'
import { createCloudflareApi, credentialsIn } from '../../../../src/cli/deploy/cloudflare/api.ts'
import { awaitAnswer } from '../../../../src/cli/deploy/server.ts'

const OURS = () => Response.json({ version: '0.1.0', build_user: 'edgemdm' })

/** Answers in their order; the last one stays. Time passes only while the code sleeps. */
function network(...answers: (() => Response)[]) {
  let [clock, asked] = [0, 0]
  const sent: Request[] = []
  return {
    env: { CLOUDFLARE_API_BASE_URL: 'https://api.test/v4' },
    sent,
    now: () => clock,
    waited: () => clock,
    sleep: async (milliseconds: number) => void (clock += milliseconds),
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      sent.push(new Request(input, init))
      const answer = answers[Math.min(asked++, answers.length - 1)]
      return answer ? answer() : Promise.reject(new TypeError('fetch failed'))
    },
  }
}

describe('a new server', () => {
  it('is waited for until it is ours that answers', async () => {
    const net = network(
      () => new Response('there is nothing here yet', { status: 404 }),
      () => Response.json({ version: '1' }),
      OURS,
    )
    await awaitAnswer('https://mdm.example.com', net)
    expect([net.sent.length, net.waited()]).toEqual([3, 10_000])
  })

  it('is there when it waits for its owner', async () => {
    const error = 'not claimed: open https://mdm.example.com/setup'
    const net = network(() => Response.json({ error }, { status: 503 }))
    await awaitAnswer('https://mdm.example.com', net)
    expect(net.sent).toHaveLength(1)
  })

  it('is waited for five minutes, and a login in front of it is named', async () => {
    const net = network(
      () => new Response(null, { status: 302, headers: { location: 'https://x' } }),
    )
    await expect(awaitAnswer('https://mdm.example.com', net)).rejects.toMatchObject({
      exit: 1,
      message: 'https://mdm.example.com/version: answered 302',
      remedy: expect.stringContaining('a login or a rule of the zone'),
    })
    expect(net.waited()).toBe(300_000)
  })

  it('that names a setting which it cannot read is not waited for', async () => {
    const error = 'EdgeMDM is not configured: SEAL_KEYS is empty'
    const net = network(() => Response.json({ error }, { status: 503 }))
    await expect(awaitAnswer('https://h', net)).rejects.toThrow('SEAL_KEYS is empty')
    expect(net.waited()).toBe(0)
  })
})

describe('a call of Cloudflare’s API', () => {
  const ok = () => Response.json({ result: [] })
  const fault = (status: number) => () =>
    Response.json({ errors: [{ code: 10013, message: 'a fault' }] }, { status })

  it('is repeated when Cloudflare has a fault, and carries the credentials', async () => {
    const net = network(fault(500), fault(429), ok)
    const api = createCloudflareApi({ authorization: 'Bearer t' }, net)
    expect(await api.read('/accounts')).toBe('{"result":[]}')
    expect(net.sent.map(({ url }) => url)).toEqual(Array(3).fill('https://api.test/v4/accounts'))
    expect(net.sent[0]?.headers.get('authorization')).toBe('Bearer t')
  })

  it('is not repeated when it is refused, and 404 is no error', async () => {
    const refused = network(fault(403), ok)
    await expect(createCloudflareApi({}, refused).read('/x')).rejects.toMatchObject({
      status: 403,
      message: 'GET /x answered 403: a fault [code: 10013]',
    })
    expect(refused.sent).toHaveLength(1)
    expect(await createCloudflareApi({}, network(fault(404))).read('/x')).toBeUndefined()
  })

  it('says which host does not answer', async () => {
    await expect(createCloudflareApi({}, network()).read('/x')).rejects.toThrow(
      'api.test does not answer: fetch failed',
    )
  })

  it('takes a token before the key of an account', () => {
    const key = { CLOUDFLARE_API_KEY: 'k', CLOUDFLARE_EMAIL: 'e' }
    expect(credentialsIn(key)).toEqual({ 'x-auth-key': 'k', 'x-auth-email': 'e' })
    expect(credentialsIn({ ...key, CLOUDFLARE_API_TOKEN: 't' })).toEqual({
      authorization: 'Bearer t',
    })
    expect(credentialsIn({ CLOUDFLARE_API_TOKEN: '', CLOUDFLARE_API_KEY: 'k' })).toBeUndefined()
  })
})
