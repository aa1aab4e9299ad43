import { expect, it } from 'vitest'
import { profileIdentifier, profileIn, profileSummary } from '../../../src/enroll/profile-in.ts'
import { signAttached } from '../../../src/pki/cms/sign.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { MAX_PROFILE_BYTES } from '../../../src/enroll/stored-profile.ts'
import { nodeIdentity } from '../pki/node-identity.ts'

const profile = (PayloadIdentifier: string) => writePlist({ PayloadIdentifier })

it('a profile is known by its PayloadIdentifier, and other files by none', () => {
  expect(profileIdentifier(profile('com.example.wifi'))).toBe('com.example.wifi')
  expect(profileIn(profile('com.example.wifi'))).toEqual({ PayloadIdentifier: 'com.example.wifi' })
  for (const other of ['{"UserName":"ada"}', '', '<plist version="1.0"><array/></plist>']) {
    expect(profileIdentifier(new TextEncoder().encode(other))).toBe('')
  }
})

it('a file or an identifier of uncommon length is not read', () => {
  expect(profileIdentifier(profile('x'.repeat(1001)))).toBe('')
  const long = Buffer.concat([profile('com.example.wifi'), Buffer.alloc(MAX_PROFILE_BYTES, ' ')])
  expect(profileIn(long)).toBeDefined()
  expect(profileIdentifier(long)).toBe('')
})

const wifi = { PayloadType: 'com.apple.wifi.managed' }
const plist = writePlist({
  PayloadDisplayName: 'Office',
  PayloadIdentifier: 'a.b',
  PayloadContent: [wifi, { PayloadType: 'com.apple.vpn.managed' }, wifi, 'no payload'],
})

it('has the name and each type of a profile, and who signed it', () => {
  const facts = { name: 'Office', payloadTypes: [wifi.PayloadType, 'com.apple.vpn.managed'] }
  expect(profileSummary(plist)).toEqual({ ...facts, signedBy: '' })
  const signer = nodeIdentity({ key: 'ec', subject: [['CN', 'Example IT']] })
  const signed = signAttached({ ...signer, body: plist, digest: 'sha256' })
  expect(profileSummary(signed)).toEqual({ ...facts, signedBy: 'Example IT' })
})

it('leaves empty what a profile does not have, and keeps it short', () => {
  const nothing = { name: '', payloadTypes: [], signedBy: '' }
  expect(profileSummary(Buffer.from('no profile'))).toEqual(nothing)
  expect(profileSummary(writePlist({ PayloadContent: 'encrypted' }))).toEqual(nothing)
  const long = writePlist({
    PayloadDisplayName: 'x'.repeat(5000),
    PayloadContent: Array.from({ length: 500 }, (_, n) => ({ PayloadType: `type.${n}` })),
  })
  expect(profileSummary(long).name).toHaveLength(200)
  expect(profileSummary(long).payloadTypes).toHaveLength(50)
})
