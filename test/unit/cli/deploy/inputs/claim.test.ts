import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  askClaim,
  claimAdvice,
  type ClaimFound,
  findClaim,
  printedCode,
} from '../../../../../src/cli/deploy/inputs/claim.ts'

const URL = 'https://mdm.example.com'
const DEVICE = { type: 'durable_object_namespace', name: 'DEVICE', class_name: 'Device' }
const secret = (name: string) => ({ type: 'secret_text', name })
const workerWith = (...bindings: { type: string; name: string; class_name?: string }[]) => ({
  bindings,
  versionId: 'v',
  deployedAt: 0,
  workersDev: true,
})
const answers = (make: () => Response) => async () => make()
const never = () => Promise.reject(new Error('the server is not to be asked'))

describe('the claim of a server', () => {
  it('is what the server says, and unknown when it does not say', async () => {
    const tries: [Response, ClaimFound['server'], ClaimFound['code']][] = [
      [Response.json({ claimed: true, code: 'missing' }), 'claimed', 'missing'],
      [Response.json({ claimed: false, code: 'set' }), 'unclaimed', 'set'],
      [Response.json({ claimed: false, code: 'weak' }), 'unclaimed', 'weak'],
      [Response.json({ claimed: false, code: 'missing' }), 'unclaimed', 'missing'],
      [new Response('not found', { status: 404 }), 'unknown', 'missing'],
      [Response.json({ claimed: true }, { status: 502 }), 'unknown', 'missing'],
      [Response.json({ error: 'claimed' }), 'unknown', 'missing'],
    ]
    for (const [response, server, code] of tries) {
      expect(
        await askClaim(
          URL,
          answers(() => response),
        ),
      ).toEqual({ server, code })
    }
    expect(await askClaim(URL, never)).toMatchObject({ server: 'unknown' })
  })

  it('needs no question before the first deploy, or with both keys', async () => {
    const absent = { server: 'absent', code: 'missing' }
    expect(await findClaim(undefined, URL, never)).toEqual(absent)
    expect(await findClaim(workerWith(), URL, never)).toEqual(absent)
    const code = { ...absent, code: 'set' }
    expect(await findClaim(workerWith(secret('SETUP_CODE')), URL, never)).toEqual(code)
    const keys = workerWith(DEVICE, secret('API_KEY'), secret('SEAL_KEYS'))
    expect(await findClaim(keys, URL, never)).toMatchObject({ server: 'claimed' })
    const open = answers(() => Response.json({ claimed: false, code: 'set' }))
    expect(await findClaim(workerWith(DEVICE), URL, open)).toMatchObject({ server: 'unclaimed' })
    expect(await findClaim(workerWith(DEVICE), undefined, never)).toMatchObject({
      server: 'unknown',
    })
  })
})

describe('a setup code in a log', () => {
  const waits = { known: {}, upload: {}, keep: false, from: 'kept' as const, waits: true }
  const absent: ClaimFound = { server: 'absent', code: 'missing' }

  it('is of 128 bits, another each time, and the Worker gets its hash', () => {
    const printed = printedCode(true, absent, waits)
    expect(printed?.code).toMatch(/^[\w-]{22}$/)
    const hash = createHash('sha256').update(String(printed?.code)).digest('hex')
    expect(printed?.hash).toBe(hash)
    expect(printedCode(true, absent, waits)).not.toEqual(printed)
    expect(printedCode(true, { ...absent, server: 'unclaimed' }, waits)).toBeDefined()
  })

  it('is printed in Workers Builds alone, and for a server without an owner and without a code', () => {
    const tries: [boolean, ClaimFound, typeof waits & { upload: Record<string, string> }][] = [
      [false, absent, waits],
      [true, { ...absent, code: 'set' }, waits],
      [true, { ...absent, code: 'weak' }, waits],
      [true, { ...absent, server: 'claimed' }, waits],
      [true, { ...absent, server: 'unknown' }, waits],
      [true, absent, { ...waits, waits: false }],
      [true, absent, { ...waits, upload: { SETUP_CODE: 'x' } }],
    ]
    for (const [isBuilds, found, choice] of tries) {
      expect(printedCode(isBuilds, found, choice)).toBeUndefined()
    }
  })
})

it('the next step names the page and the command, and nothing once there is an owner', () => {
  const place = { worker: 'acme', isBuilds: false }
  const advice = (server: ClaimFound['server'], code: ClaimFound['code'], isBuilds = false) =>
    claimAdvice({ server, code }, URL, { ...place, isBuilds })
  expect(advice('claimed', 'missing')).toBeUndefined()
  expect(advice('unclaimed', 'set')).toContain(`open ${URL}/setup with the setup code`)
  expect(advice('unclaimed', 'missing')).toMatch(/secret put SETUP_CODE --name acme`.* in the CI/)
  expect(advice('unclaimed', 'weak')).toMatch(/^SETUP_CODE is too weak/)
  expect(advice('unclaimed', 'missing', true)).toContain('build again')
  expect(advice('unknown', 'missing')).toContain(`open ${URL}/setup`)
})
