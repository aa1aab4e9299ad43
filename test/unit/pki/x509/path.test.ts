import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { APPLE_DEVICE_CAS } from '../../../../src/enroll/apple-device-ca.ts'
import {
  type Anchor,
  type PathCheck,
  PATH_POLICIES,
  validatePath,
} from '../../../../src/pki/x509/path.ts'
import { type Certificate, readCertificate, readPem } from '../../../../src/pki/x509/certificate.ts'
import { type IdentityOptions, type NodeIdentity, nodeIdentity } from '../node-identity.ts'
import { EC_256, openOpenssl, type OpensslIdentity } from '../openssl.ts'

const NOW = Date.now()
const MINUTE = 60_000
const DAY = 86_400_000
const CA = { ca: true, keyUsage: ['keyCertSign', 'cRLSign'], key: 'ec' } as const
const ROWS = ['own', 'imported', 'apple'] as const

const caOf = (name: string, options: IdentityOptions = {}): NodeIdentity =>
  nodeIdentity({ ...CA, subject: [['CN', name]], ...options })
const device = (options: IdentityOptions = {}): NodeIdentity =>
  nodeIdentity({ key: 'ec', ...options })

const ca = caOf('MDM CA')
const namesake = caOf('MDM CA')
const intermediate = caOf('Issuing CA', { by: ca })

function check(
  leaf: NodeIdentity,
  others: readonly NodeIdentity[],
  cas: readonly NodeIdentity[] = [ca],
  row: Anchor['row'] = 'own',
): PathCheck {
  const anchors = cas.map(({ read }): Anchor => ({ certificate: read, row }))
  return validatePath(
    leaf.read,
    others.map(({ read }) => read),
    anchors,
    NOW,
  )
}

/** The rows that accept it. */
function rowsThatAccept(leaf: NodeIdentity, others: readonly NodeIdentity[] = [], cas = [ca]) {
  return ROWS.filter((row) => check(leaf, others, cas, row).ok)
}

describe('a path', () => {
  it('leads a device to its CA by key, in any order of CAs with one name', () => {
    const leaf = device({ by: ca })
    const expected = { ok: true, caKeyId: ca.read.keyId, warnings: [] }
    expect(check(leaf, [], [ca, namesake])).toEqual(expected)
    expect(check(leaf, [], [namesake, ca])).toEqual(expected)
    expect(check(leaf, [], [namesake]).ok).toBe(false)
  })

  it('leads through an intermediate that the device sent', () => {
    const deep = device({ by: intermediate })
    expect(check(deep, [namesake, intermediate]).ok).toBe(true)
    expect(check(deep, []).ok).toBe(false)
    expect(check(deep, [], [intermediate]).ok).toBe(true)
  })

  it('does not lead from a stranger, nor from one who forged the name of the CA', () => {
    const forger = caOf('MDM CA')
    expect(check(device(), []).ok).toBe(false)
    expect(check(device({ by: forger }), [forger]).ok).toBe(false)
  })

  it('does not lead through a device that issues certificates, nor a CA that may not', () => {
    const issuer = device({ by: ca })
    const noUsage = caOf('no usage', { by: ca, keyUsage: ['digitalSignature'] })
    const noCA = device({ by: ca, keyUsage: ['keyCertSign'] })
    for (const by of [issuer, noUsage, noCA]) {
      expect(check(device({ by }), [by]).ok).toBe(false)
    }
  })

  it('is at most four signatures long, and is looked for among eight certificates', () => {
    const line = [intermediate]
    for (const name of ['second', 'third', 'fourth']) {
      line.push(caOf(name, { by: line.at(-1) ?? intermediate }))
    }
    expect(line.map((by) => check(device({ by }), line).ok)).toEqual([true, true, true, false])
    const deep = device({ by: intermediate })
    const others = [...Array.from({ length: 7 }, () => namesake), intermediate]
    expect(check(deep, others).ok).toBe(true)
    expect(check(deep, [namesake, ...others])).toMatchObject({
      ok: false,
      reason: '9 certificates beside the device’s, more than 8',
    })
  })

  it('leads over the renewed certificate of an intermediate, where the expired one was sent too', () => {
    const top = caOf('Top CA', { by: ca })
    const old = caOf('Issuing CA', { by: top, notAfter: NOW - DAY })
    const renewed = caOf('Issuing CA', {
      by: top,
      publicKey: old.read.spki,
      serial: Uint8Array.of(9),
    })
    const deep = device({ by: old })
    expect(check(deep, [old, top]).ok).toBe(false)
    expect(check(deep, [old, renewed, top]).ok).toBe(true)
  })

  it('of a changed certificate is broken', () => {
    const { certificate } = device({ by: ca })
    const changed = Uint8Array.from(certificate)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    const anchors: Anchor[] = [{ certificate: ca.read, row: 'own' }]
    expect(validatePath(readCertificate(changed), [], anchors, NOW).ok).toBe(false)
  })
})

describe('a CA', () => {
  it('is trusted with any extensions and dates', () => {
    const bare = device({ subject: [['CN', 'bare']] })
    const old = caOf('old', { notAfter: NOW - DAY })
    const future = caOf('future', { notBefore: NOW + DAY })
    for (const given of [bare, old, future]) {
      expect(rowsThatAccept(device({ by: given }), [], [given])).toEqual(ROWS)
    }
  })

  it('is no device, also under another certificate of its key, and neither is one below it', () => {
    expect(rowsThatAccept(ca)).toEqual([])
    expect(rowsThatAccept(device({ by: ca, publicKey: ca.read.spki }))).toEqual([])
    expect(rowsThatAccept(intermediate)).toEqual([])
    const quiet = caOf('says nothing', { by: ca, keyUsage: ['digitalSignature'] })
    expect(rowsThatAccept(quiet)).toEqual([])
  })
})

describe('dates', () => {
  const dated = (notBefore: number, notAfter: number) => device({ by: ca, notBefore, notAfter })

  it('refuse a device that is not valid now, and forgive a CA’s clock five minutes', () => {
    expect(rowsThatAccept(dated(NOW - DAY, NOW + DAY))).toEqual(ROWS)
    expect(rowsThatAccept(dated(NOW + 4 * MINUTE, NOW + DAY))).toEqual(ROWS)
    expect(rowsThatAccept(dated(NOW + 6 * MINUTE, NOW + DAY))).toEqual(['apple'])
    expect(rowsThatAccept(dated(NOW - DAY, NOW - 1000))).toEqual(['apple'])
  })

  it('refuse an intermediate that is not valid now', () => {
    for (const dates of [{ notAfter: NOW - 1000 }, { notBefore: NOW + MINUTE }]) {
      const by = caOf('late', { by: ca, ...dates })
      expect(rowsThatAccept(device({ by }), [by])).toEqual(['apple'])
    }
  })
})

describe('usages', () => {
  it('of a device include signing, and client authentication where any are named', () => {
    const signing = (options: IdentityOptions) => rowsThatAccept(device({ by: ca, ...options }))
    expect(signing({ keyUsage: ['keyEncipherment'] })).toEqual(['apple'])
    expect(signing({ extKeyUsage: ['serverAuth'] })).toEqual(['apple'])
    expect(signing({ extKeyUsage: ['serverAuth', 'clientAuth'] })).toEqual(ROWS)
  })

  it('of an intermediate include client authentication where any are named', () => {
    const below = (options: IdentityOptions) => {
      const by = caOf('purpose', { by: ca, ...options })
      return rowsThatAccept(device({ by }), [by])
    }
    expect(below({ extKeyUsage: ['serverAuth', 'emailProtection'] })).toEqual(['apple'])
    expect(below({ extKeyUsage: ['clientAuth'] })).toEqual(ROWS)
  })
})

describe('the verdict is OpenSSL’s on', () => {
  const openssl = openOpenssl()
  afterAll(openssl.cleanUp)
  const LEAF = 'basicConstraints=critical,CA:FALSE'
  const CA_TRUE = 'basicConstraints=critical,CA:TRUE'

  function issued(name: string, by?: OpensslIdentity, ...extensions: string[]): OpensslIdentity {
    const parent = by ? ['-CA', by.certificateFile, '-CAkey', by.keyFile] : []
    const config = openssl.file('empty.cnf', '[req]\ndistinguished_name = dn\n[dn]\n')
    const added = extensions.flatMap((text) => ['-addext', text])
    // The same name for all that begin alike: self-issued ones need it.
    const subject = ['-subj', `/CN=${name.replace(/\d$/, '')}`]
    return openssl.identity(name, EC_256, [...parent, ...added, ...subject, '-config', config])
  }

  function ours(leaf: OpensslIdentity, ...others: OpensslIdentity[]): boolean {
    const [own, ...rest] = [leaf, ...others].map(({ certificate }) => readCertificate(certificate))
    const anchor: Anchor = { certificate: readCertificate(root.certificate), row: 'own' }
    return own !== undefined && validatePath(own, rest, [anchor], Date.now()).ok
  }

  function theirs(leaf: OpensslIdentity, ...others: OpensslIdentity[]): boolean {
    const chain = [...others, root].map(({ certificateFile }) => readFileSync(certificateFile))
    const untrusted = openssl.file('untrusted.pem', Buffer.concat(chain))
    const args = ['verify', '-purpose', 'sslclient', '-CAfile', root.certificateFile]
    try {
      openssl.run([...args, '-untrusted', untrusted, leaf.certificateFile])
      return true
    } catch {
      return false
    }
  }

  function verdict(leaf: OpensslIdentity, ...others: OpensslIdentity[]): boolean {
    const is = ours(leaf, ...others)
    expect([leaf.certificateFile, is]).toEqual([leaf.certificateFile, theirs(leaf, ...others)])
    return is
  }

  const root = issued('root', undefined, CA_TRUE)
  const near = issued('near', root, `${CA_TRUE},pathlen:0`)
  const nearAgain = issued('near2', near, CA_TRUE)
  const below = issued('below', near, CA_TRUE)

  it('path lengths, which certificates of a CA for itself do not use up', () => {
    expect(verdict(issued('child', near, LEAF), near)).toBe(true)
    expect(verdict(issued('self', nearAgain, LEAF), nearAgain, near)).toBe(true)
    expect(verdict(issued('grandchild', below, LEAF), below, near)).toBe(false)
  })

  it('critical extensions of a device and of an intermediate', () => {
    const odd = '1.2.3.4.5=critical,ASN1:NULL'
    const oddCA = issued('odd', root, CA_TRUE, odd)
    expect(verdict(issued('known', root, LEAF, '1.2.3.4.5=ASN1:NULL'))).toBe(true)
    expect(verdict(issued('unknown', root, LEAF, odd))).toBe(false)
    expect(verdict(issued('under', oddCA, LEAF), oddCA)).toBe(false)
  })

  it('an empty list of usages; but not on the usage “any”, which OpenSSL does not take', () => {
    const none = '2.5.29.37=DER:3000'
    expect(verdict(issued('purposeless', root, LEAF, none))).toBe(false)
    const anyone = 'extendedKeyUsage=anyExtendedKeyUsage'
    const by = issued('any', root, CA_TRUE, anyone)
    expect(ours(issued('anyone', by, LEAF, anyone), by)).toBe(true)
  })

  it('names that an intermediate may not vouch for, which refuse those that it may here too', () => {
    const names = [
      'nameConstraints=permitted;DNS:example.com',
      'nameConstraints=critical,excluded;DNS:x',
    ]
    for (const [index, constraint] of names.entries()) {
      const by = issued(`narrow${index}`, root, CA_TRUE, constraint)
      const leaf = issued(`named${index}`, by, LEAF, 'subjectAltName=DNS:x')
      expect(verdict(leaf, by)).toBe(false)
    }
  })
})

describe('a weak', () => {
  const openssl = openOpenssl()
  afterAll(openssl.cleanUp)
  const rsa = (name: string, bits: number, extra: readonly string[] = []) =>
    openssl.identity(name, ['-newkey', `rsa:${bits}`], extra)
  const read = ({ certificate }: OpensslIdentity): Certificate => readCertificate(certificate)
  const signedBy = (by: OpensslIdentity, bits: number, ...extra: string[]) => {
    const issuer = ['-CA', by.certificateFile, '-CAkey', by.keyFile, ...extra]
    const noCA = ['-addext', 'basicConstraints=critical,CA:FALSE']
    return read(rsa('leaf', bits, [...issuer, ...noCA]))
  }
  const pss = (digest: string) => [digest, '-sigopt', 'rsa_padding_mode:pss']
  const [weakCA, soundCA] = [rsa('small', 1024), rsa('sound', 2048)]

  it.each([
    [
      'key',
      signedBy(soundCA, 1024),
      soundCA,
      /^the certificate CN=leaf has an RSA key of 1024 bits$/,
    ],
    [
      'signature',
      signedBy(soundCA, 2048, '-sha1'),
      soundCA,
      /^the certificate CN=leaf is signed with SHA-1$/,
    ],
    [
      'signature with RSASSA-PSS',
      signedBy(soundCA, 2048, ...pss('-sha1')),
      soundCA,
      /^the certificate CN=leaf is signed with SHA-1$/,
    ],
    [
      'CA',
      signedBy(weakCA, 2048),
      weakCA,
      /^the certificate CN=small has an RSA key of 1024 bits$/,
    ],
  ])(
    '%s is refused below our CAs, warned of below others, and Apple’s habit',
    (_, leaf, by, text) => {
      const byRow = (row: Anchor['row']) =>
        validatePath(leaf, [], [{ certificate: read(by), row }], Date.now())
      expect(byRow('own')).toMatchObject({
        ok: false,
        reason: expect.stringMatching(text) as string,
      })
      expect(byRow('imported')).toMatchObject({
        ok: true,
        warnings: [expect.stringMatching(text) as string],
      })
      expect(byRow('apple')).toMatchObject({ ok: true, warnings: [] })
    },
  )

  it.each([
    ['a key of less than 1024 bits', () => signedBy(soundCA, 1016)],
    ['MD5', () => signedBy(soundCA, 2048, '-md5')],
  ])('path is refused in every row: %s', (_, make) => {
    const leaf = make()
    for (const row of ROWS) {
      const anchor: Anchor = { certificate: read(soundCA), row }
      expect(validatePath(leaf, [], [anchor], Date.now()).ok).toBe(false)
    }
  })

  it.each([
    ['RSASSA-PSS', (key: readonly string[]) => openssl.identity('pss', key, pss('-sha384'))],
    ['Ed25519', () => openssl.identity('ed', ['-newkey', 'ed25519'])],
  ])('signature is none with SHA-2 and %s', (_, make) => {
    const by = make(['-newkey', 'rsa:2048'])
    const leaf = signedBy(by, 2048, ...(by.keyFile.endsWith('ed.key') ? [] : pss('-sha256')))
    const anchor: Anchor = { certificate: read(by), row: 'own' }
    expect(validatePath(leaf, [], [anchor], Date.now())).toMatchObject({ ok: true, warnings: [] })
  })

  it('device CA is Apple’s own, which its row takes as it is', () => {
    const [der = new Uint8Array()] = readPem(APPLE_DEVICE_CAS[0] ?? '')
    const apple = readCertificate(der)
    expect(apple.notAfter).toBeLessThan(NOW)
    expect(apple.signatureAlgorithm).toBe('1.2.840.113549.1.1.5')
  })
})

it('the policy in the documentation is the one in the code', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/certificates.md'), 'utf8')
  const cells = { accepted: 'accepted', warned: 'warning', refused: 'refused' }
  const rows = Object.values(PATH_POLICIES).map(({ checksDates, checksUsage, weak }) =>
    [checksDates ? 'valid now' : 'any', checksUsage ? 'for clients' : 'any', cells[weak]].join(
      ' | ',
    ),
  )
  const table = [...page.matchAll(/^\| \*\*.*?\*\* \| (.*) \|$/gm)].map(([, row]) => row)
  expect(table).toEqual(rows)
})
