import { afterEach, describe, expect, it, vi } from 'vitest'
import { post, type PostOutcome } from '../../../src/webhooks/post.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

interface Sent {
  readonly url: string
  readonly method: string | undefined
  readonly event: boolean
  /** Whether the user and password and the header of the admin were sent, and no other credentials. */
  readonly credentials: boolean
}

/** Posts an event to the first of these URLs, each of which redirects to the next. */
async function along(
  status: number,
  urls: readonly string[],
): Promise<{ sent: Sent[]; outcome: PostOutcome }> {
  const [url = ''] = urls
  const sent: Sent[] = []
  vi.spyOn(globalThis, 'fetch').mockImplementation((to, init) => {
    const headers = new Headers(init?.headers)
    const all = [headers.get('authorization'), headers.get('x-tenant')]
    sent.push({
      url: to instanceof Request ? to.url : String(to),
      method: init?.method,
      event: init?.body === 'event' && headers.get('x-hmac-signature') === 'signed',
      credentials: all.join() === 'Basic eA==,north',
    })
    if (!sent.at(-1)?.credentials) {
      expect(all).toEqual([null, null])
    }
    const location = urls[sent.length]
    return Promise.resolve(
      location === undefined
        ? new Response(null, { status: 200 })
        : new Response(null, { status, headers: { location } }),
    )
  })
  const receiver = {
    url,
    authorization: 'Basic eA==',
    headers: { 'X-Tenant': 'north' },
    asGo: true,
    allowPrivate: false,
  }
  const body = { text: 'event', signature: { 'x-hmac-signature': 'signed' } }
  return { outcome: await post(receiver, body, 0), sent }
}

describe.each([307, 308])('a redirect with status %i', (status) => {
  it.each([
    ['the same host', 'https://a.com/x', true],
    ['a path', '/x', true],
    ['a subdomain', 'https://b.a.com/x', true],
    ['another host', 'https://b.com/x', false],
    ['a host that only ends like it', 'https://ba.com/x', false],
    ['the domain above', 'https://com.de/x', false],
    ['the name with a dot behind it', 'https://a.com./x', false],
    ['another port', 'https://a.com:8443/x', false],
    ['another port of a subdomain', 'https://b.a.com:8443/x', false],
  ])('to %s takes the event along; credentials if it is the same service', async (_, to, keeps) => {
    const { outcome, sent } = await along(status, ['https://a.com/hook', to])
    expect(outcome).toEqual({ kind: 'delivered', status: 200 })
    expect(sent[1]).toMatchObject({ method: 'POST', event: true, credentials: keeps })
  })

  it.each([
    ['the same host', 'http://a.com/x?token=secret'],
    ['the port of https', 'http://a.com:443/x'],
    ['a subdomain', 'http://b.a.com/x'],
    ['another host', 'http://user:secret@b.com/x'],
  ])('from https to http on %s sends nothing, and says what to do', async (_, to) => {
    const { outcome, sent } = await along(status, ['https://a.com/hook', to, 'https://a.com/y'])
    expect(outcome).toMatchObject({
      kind: 'down',
      reason: expect.stringMatching(
        /^status 30[78] leads from https to http:.*in clear: .*set the/,
      ),
    })
    expect(JSON.stringify(outcome)).not.toContain('secret')
    expect(sent).toHaveLength(1)
  })

  it('from http to https and back sends nothing in clear again', async () => {
    const { sent } = await along(status, ['http://a.com/', 'https://a.com/', 'http://a.com/'])
    expect(sent).toMatchObject([{ credentials: true }, { credentials: true, event: true }])
  })

  it.each([
    'ftp://a.com/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://',
    'http://[fe80::1%25eth0]/',
  ])('to %s is followed nowhere', async (to) => {
    const { outcome, sent } = await along(status, ['https://a.com/hook', to])
    expect(outcome).toMatchObject({ kind: 'down', reason: expect.stringContaining('no http') })
    expect(sent).toHaveLength(1)
  })

  it.each(['https://127.0.0.1/', 'https://192.0.2.1/', 'https://hook.svc/', 'https://2130706433/'])(
    'to %s is refused, as it is refused in the settings of a webhook',
    async (to) => {
      const { outcome, sent } = await along(status, ['https://a.com/hook', to])
      expect(outcome).toMatchObject({
        kind: 'down',
        reason: expect.stringContaining('not on the internet'),
      })
      expect(sent).toHaveLength(1)
    },
  )
})

it('credentials that a redirect removed are not sent after the next redirect', async () => {
  const { sent } = await along(307, ['https://a.com/', 'https://b.com/', 'https://a.com/'])
  expect(sent.map(({ credentials }) => credentials)).toEqual([true, false, false])
})

it('a user and password in a redirect are not sent', async () => {
  const { sent } = await along(307, ['https://a.com/', 'https://user:password@b.com/x'])
  expect(sent[1]).toMatchObject({ url: 'https://b.com/x', credentials: false })
})

it('a GET that follows a redirect to http has no event and no credentials, also after more redirects', async () => {
  const { outcome, sent } = await along(302, ['https://a.com/', 'http://a.com/', 'https://a.com/'])
  expect(outcome).toEqual({ kind: 'delivered', status: 200 })
  expect(sent.slice(1)).toEqual([
    { url: 'http://a.com/', method: 'GET', event: false, credentials: false },
    { url: 'https://a.com/', method: 'GET', event: false, credentials: false },
  ])
})
