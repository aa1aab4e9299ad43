import { describe, expect, it } from 'vitest'
import { holdsWifi, profileFacts, readProfile } from '../../../../src/console/results/profile.ts'
import { signAttached } from '../../../../src/pki/cms/sign.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { nodeIdentity } from '../../pki/node-identity.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const profile = (more: object, ...payloads: object[]) =>
  writePlist({ PayloadIdentifier: 'com.example.a', PayloadContent: payloads, ...more } as never)

describe('a profile that someone drops', () => {
  it('says what it is, and what its payloads are', () => {
    const plist = profile(
      {
        PayloadDisplayName: 'Ada & Ben’s <Wi-Fi>',
        PayloadOrganization: 'Example',
        PayloadScope: 'User',
        PayloadRemovalDisallowed: true,
      },
      { PayloadType: 'com.apple.wifi.managed', PayloadDisplayName: 'Office' },
    )
    expect(profileFacts(plist)).toEqual({
      name: 'Ada & Ben’s <Wi-Fi>',
      identifier: 'com.example.a',
      description: '',
      organization: 'Example',
      scope: 'User',
      isLocked: true,
      isEncrypted: false,
      signer: undefined,
      payloads: [{ type: 'com.apple.wifi.managed', name: 'Office', secrets: [] }],
      faults: [
        'Its PayloadType has to be Configuration.',
        'It has no PayloadUUID.',
        'Payload 1 has no PayloadIdentifier and no PayloadUUID.',
      ],
    })
  })

  it('has no fault if it and its payloads are whole, and one if two share a PayloadUUID', () => {
    const whole = (uuid: string) => ({
      PayloadType: 'com.apple.vpn.managed',
      PayloadIdentifier: `com.example.${uuid}`,
      PayloadUUID: uuid,
    })
    const top = { PayloadType: 'Configuration', PayloadUUID: 'TOP' }
    expect(profileFacts(profile(top, whole('A'), whole('B')))?.faults).toEqual([])
    expect(profileFacts(profile(top, whole('A'), whole('A')))?.faults).toEqual([
      'Two payloads have the PayloadUUID A.',
    ])
  })

  it('is refused with the reason, and the line of a broken tag', () => {
    const text = new TextDecoder().decode(profile({ PayloadDisplayName: 'Café' }, {}))
    expect(readProfile(bytes(text.replace('</array>', '')))).toMatch(/^line \d+: plist: /)
    expect(readProfile(bytes('{"PayloadType":"Configuration"}'))).toBe('it is no property list')
    expect(readProfile(writePlist({ PayloadType: 'Configuration' }))).toBe(
      'it has no PayloadIdentifier',
    )
  })

  it('is read inside a signature, whose signer is named', () => {
    const body = profile({}, { PayloadType: 'com.apple.vpn.managed' })
    const root = nodeIdentity({ key: 'ec', ca: true, subject: [['CN', 'Root']] })
    const signer = nodeIdentity({ key: 'ec', subject: [['CN', 'Example IT']], by: root })
    const signed = signAttached({ ...signer, chain: [root.certificate], body, digest: 'sha256' })
    expect(profileFacts(signed)).toMatchObject({
      identifier: 'com.example.a',
      signer: 'Example IT',
      payloads: [{ type: 'com.apple.vpn.managed' }],
    })
  })

  it('is read where Apple’s encoder cut it in pieces of indefinite length', () => {
    const plist = profile({})
    const half = plist.length / 2
    const piece = (part: Uint8Array) => [4, 0x82, part.length >> 8, part.length & 255, ...part]
    const open = (tag: number, ...inner: number[]) => [tag, 0x80, ...inner, 0, 0]
    const oid = [6, 1, 42]
    const pieces = open(0x24, ...piece(plist.subarray(0, half)), ...piece(plist.subarray(half)))
    const carried = open(0x30, ...oid, ...open(0xa0, ...pieces))
    const signedData = open(0x30, 2, 1, 1, 0x31, 0, ...carried, 0x31, 0)
    const cms = Uint8Array.from(open(0x30, ...oid, ...open(0xa0, ...signedData)))
    expect(profileFacts(cms)).toMatchObject({ identifier: 'com.example.a', signer: '—' })
  })

  it('says which payloads carry secrets, and takes no rule about passwords for one', () => {
    const facts = profileFacts(
      profile(
        {},
        { PayloadType: 'com.apple.wifi.managed', Password: 'x', EAP: { UserPassword: 'y' } },
        { PayloadType: 'com.apple.security.scep', PayloadContent: { Challenge: 'z' } },
        { PayloadType: 'com.apple.security.pkcs12', PayloadContent: new Uint8Array([1]) },
        { PayloadType: 'com.apple.mobiledevice.passwordpolicy', forcePIN: true, maxPIN: 4 },
        { PayloadType: 'com.apple.wifi.managed', Password: '' },
      ),
    )
    expect(facts?.payloads.map(({ secrets }) => secrets.toSorted())).toEqual([
      ['Password', 'UserPassword'],
      ['Challenge'],
      ['private key'],
      [],
      [],
    ])
  })

  it('may hide its payloads, and anything else is no profile', () => {
    const hidden = profile({ EncryptedPayloadContent: new Uint8Array([1]) })
    expect(profileFacts(hidden)?.isEncrypted).toBe(true)
    const deep = Uint8Array.from({ length: 200_000 }, (_, n) => (n % 2 === 0 ? 0x30 : 0x80))
    const others = [bytes('no profile'), bytes('<plist><array/></plist>'), new Uint8Array(), deep]
    for (const other of [...others, writePlist({ PayloadIdentifier: 5 })]) {
      expect(profileFacts(other)).toBeUndefined()
    }
  })
})

it('a file holds a Wi-Fi if it is a profile with one, or one that only the device can read', () => {
  const isHeld = (file: Uint8Array): boolean => holdsWifi(Buffer.from(file).toString('base64'))
  expect(isHeld(profile({}, { PayloadType: 'com.apple.wifi.managed' }))).toBe(true)
  expect(isHeld(profile({ EncryptedPayloadContent: bytes('x') }))).toBe(true)
  expect(isHeld(profile({}, { PayloadType: 'com.apple.mail.managed' }))).toBe(false)
  expect(isHeld(bytes('no profile'))).toBe(false)
  expect(holdsWifi('%')).toBe(false)
})
