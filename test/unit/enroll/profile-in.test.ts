import { expect, it } from 'vitest'
import { profileIdentifier, profileIn } from '../../../src/enroll/profile-in.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { MAX_PROFILE_BYTES } from '../../../src/enroll/stored-profile.ts'

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
