import { expect, it } from 'vitest'
import {
  type ClaimEffects,
  askSetupKeys,
  confirmSetup,
  giveAuthority,
  readEnrolmentLink,
} from '../../../src/claim-page/calls.ts'

type Said = readonly [status: number, body: unknown] | 'no answer' | Response

/** A server that gives these answers in their order, and the calls that it got. */
function serverWith(...answers: Said[]) {
  const calls: { path: string; init: RequestInit; body: Record<string, unknown> }[] = []
  const pauses: number[] = []
  const effects: ClaimEffects = {
    subtle: crypto.subtle,
    sleep: async (milliseconds) => void pauses.push(milliseconds),
    fetch: async (path, init) => {
      calls.push({ path, init, body: JSON.parse(typeof init.body === 'string' ? init.body : '{}') })
      const next = answers.shift()
      if (next === undefined || next === 'no answer') {
        throw new TypeError('Failed to fetch')
      }
      return next instanceof Response ? next : Response.json(next[1], { status: next[0] })
    },
  }
  return { effects, calls, pauses, paths: () => calls.map(({ path }) => path) }
}

const KEYS = { api_key: 'emk_x', seal_keys: 'k1:x', url: 'https://mdm.test' }
const CLAIMED: Said = [409, { code: 'already_claimed', error: 'claimed' }]
const EARLY: Said = [503, { code: 'not_claimed', detail: 'not claimed' }]

it('a claim sends the code in a form that no page of another site can send', async () => {
  const { effects, calls } = serverWith([200, KEYS])
  expect(await askSetupKeys(effects, 'the code')).toEqual({ ok: true, value: KEYS })
  expect(calls).toMatchObject([
    {
      path: '/setup/claim',
      body: { code: 'the code' },
      init: {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': 'application/json', 'x-edgemdm': 'setup' },
      },
    },
  ])
})

it('an error has the code and the sentence of either form of the server', async () => {
  const { effects } = serverWith(
    [400, { code: 'wrong_setup_code', error: 'wrong' }],
    [503, { code: 'unavailable', detail: 'later', status: 503 }],
  )
  const faults = [await askSetupKeys(effects, 'a'), await askSetupKeys(effects, 'a')]
  expect(faults).toEqual([
    { ok: false, fault: { status: 400, code: 'wrong_setup_code', detail: 'wrong' } },
    { ok: false, fault: { status: 503, code: 'unavailable', detail: 'later' } },
  ])
})

it('a web page in place of an answer is a fault, and so is none', async () => {
  const { effects } = serverWith(new Response('<html>Sign in'), 'no answer')
  expect(await askSetupKeys(effects, 'a')).toMatchObject({ ok: false, fault: { status: 200 } })
  expect(await askSetupKeys(effects, 'a')).toMatchObject({ ok: false, fault: { status: 0 } })
})

it('a confirmation whose answer was lost is repeated, and the key proves that it was done', async () => {
  const { effects, calls, paths } = serverWith('no answer', CLAIMED, [200, { id: 'x' }])
  expect(await confirmSetup(effects, 'a', 'emk_x')).toMatchObject({ ok: false })
  expect(await confirmSetup(effects, 'a', 'emk_x')).toMatchObject({ ok: true })
  expect(paths()).toEqual(['/setup/confirm', '/setup/confirm', '/api/whoami'])
  expect(calls[2]?.init.headers).toEqual({ authorization: 'Bearer emk_x' })
})

it('a server that another person has claimed takes no key of this page', async () => {
  const { effects } = serverWith(CLAIMED, ...Array.from({ length: 9 }, () => [401, {}] as const))
  expect(await confirmSetup(effects, 'a', 'emk_x')).toMatchObject({
    ok: false,
    fault: { code: 'already_claimed' },
  })
})

it('a wrong code is not taken for a claim', async () => {
  const { effects, paths } = serverWith([400, { code: 'wrong_setup_code' }])
  expect(await confirmSetup(effects, 'a', 'emk_x')).toMatchObject({ ok: false })
  expect(paths()).toEqual(['/setup/confirm'])
})

it('the key of a CA is sent without a certificate, to a server that has no CA', async () => {
  const { effects, calls, paths } = serverWith([200, { items: [] }], [201, { id: 'ca' }])
  expect(await giveAuthority(effects, 'emk_x')).toMatchObject({ ok: true })
  expect(paths()).toEqual(['/api/ca', '/api/ca'])
  expect(calls[1]?.body).toEqual({
    private_key: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----\n[^-]+\n-----END PRIVATE/),
  })
})

it('a server with a CA gets no second one', async () => {
  const { effects, paths } = serverWith([200, { items: [{ issues: true }] }])
  expect(await giveAuthority(effects, 'emk_x')).toMatchObject({ ok: true })
  expect(paths()).toEqual(['/api/ca'])
})

it('a part of the server that does not know of the claim is asked again, for a while', async () => {
  const late = serverWith(EARLY, [401, {}], [200, { items: [{ issues: true }] }])
  expect(await giveAuthority(late.effects, 'emk_x')).toMatchObject({ ok: true })
  expect(late.pauses).toHaveLength(2)
  const never = serverWith(...Array.from({ length: 99 }, () => EARLY))
  expect(await giveAuthority(never.effects, 'emk_x')).toMatchObject({
    ok: false,
    fault: { code: 'not_claimed' },
  })
  // Longer than a part of the server takes to learn it.
  expect(never.pauses.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThan(10_000)
})

it('the enrolment link is told, or left out', async () => {
  const { effects } = serverWith([200, { link: 'https://mdm.test/?token=x' }], 'no answer')
  expect(await readEnrolmentLink(effects, 'emk_x')).toBe('https://mdm.test/?token=x')
  expect(await readEnrolmentLink(effects, 'emk_x')).toBeUndefined()
})
