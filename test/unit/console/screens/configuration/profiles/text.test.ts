import { expect, it } from 'vitest'
import {
  payloadNames,
  remarksOf,
} from '../../../../../../src/console/screens/configuration/profiles/text.ts'

const PLAIN = {
  name: '',
  identifier: 'com.example.a',
  description: '',
  organization: '',
  scope: '',
  isLocked: false,
  isEncrypted: false,
  signer: undefined,
  payloads: [],
}

it('names payloads in words, each once, and an unknown one as Apple does', () => {
  const types = ['com.apple.wifi.managed', 'com.apple.vpn.managed', 'com.apple.wifi.managed']
  expect(payloadNames([...types, 'com.example.own'])).toBe('Wi-Fi, VPN, com.example.own')
})

it('says what a profile holds that one should know, and nothing of a plain one', () => {
  expect(remarksOf(PLAIN)).toEqual([])
  const wifi = { type: 'com.apple.wifi.managed', name: '', secrets: ['Password'] }
  const open = { type: 'com.apple.vpn.managed', name: '', secrets: [] }
  expect(remarksOf({ ...PLAIN, payloads: [wifi, open], isLocked: true })).toEqual([
    'It carries secrets: Wi-Fi (Password).',
    'Users cannot remove it.',
  ])
  expect(remarksOf({ ...PLAIN, isEncrypted: true })).toHaveLength(1)
})
