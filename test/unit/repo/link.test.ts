import { describe, expect, it } from 'vitest'
import { createSealer } from '../../../src/pki/seal/seal.ts'
import { faultOfLink, repoUrl } from '../../../src/repo/link.ts'

const BASE = 'https://mdm.example.com'
const NOW = 1_800_000_000_000
const [OLD, NEW] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'))
const signed = { repoLinks: 'signed', sealer: createSealer(`a:${OLD}`) } as const

/** What a request for the link asks. */
function asked(link: string) {
  const { pathname, searchParams } = new URL(link)
  return {
    name: decodeURIComponent(pathname.split('/').at(-1) ?? ''),
    exp: searchParams.get('exp') ?? undefined,
    sig: searchParams.get('sig') ?? undefined,
  }
}

describe('a link', () => {
  const link = repoUrl(BASE, 'a b.pkg', signed, NOW + 60_000)

  it('needs no signature where links are open', () => {
    const open = { ...signed, repoLinks: 'open' } as const
    expect(repoUrl(BASE, 'a b#?.pkg', open, NOW)).toBe(`${BASE}/repo/a%20b%23%3F.pkg`)
    expect(faultOfLink({ name: 'a.pkg' }, open, NOW)).toBeUndefined()
  })

  it('opens its file until its end', () => {
    expect(link).toMatch(/^https:\/\/mdm\.example\.com\/repo\/a%20b\.pkg\?exp=\d+&sig=[\w-]{43}$/)
    expect(faultOfLink(asked(link), signed, NOW + 60_000)).toBeUndefined()
    expect(faultOfLink(asked(link), signed, NOW + 61_000)).toContain('expired')
  })

  it('opens no other file, and not for longer', () => {
    const sent = asked(link)
    for (const other of [
      { ...sent, name: 'b.pkg' },
      { ...sent, exp: String(Number(sent.exp) + 1) },
      { ...sent, sig: undefined },
      { ...sent, sig: '' },
      { name: sent.name },
    ]) {
      expect(faultOfLink(other, signed, NOW)).toContain('not signed')
    }
  })

  it('opens no file whose name is the end of its own', () => {
    const { exp, sig } = asked(link)
    expect(faultOfLink({ name: 'b.pkg', exp: `${exp} a`, sig }, signed, NOW)).toContain(
      'not signed',
    )
  })

  it('is good as long as SEAL_KEYS has the key that signed it', () => {
    const rotated = { ...signed, sealer: createSealer(`b:${NEW} a:${OLD}`) }
    expect(faultOfLink(asked(link), rotated, NOW)).toBeUndefined()
    const without = { ...signed, sealer: createSealer(`b:${NEW}`) }
    expect(faultOfLink(asked(link), without, NOW)).toContain('not signed')
  })
})
