import { expect, it } from 'vitest'
import type { Schema } from '../../../../../../../src/console/api/types.ts'
import {
  declaredLabel,
  inOrder,
  isDeclarative,
  shortValue,
} from '../../../../../../../src/console/screens/device/tabs/declarations/declarative.ts'

type Declared = Schema<'DeviceDeclarations'>

function declared(
  platform: Declared['facts']['platform'],
  version: string | null,
  states: Readonly<Record<string, Declared['declarations'][number]['state']>> = {},
): Declared {
  return {
    id: 'UDID',
    enabled: false,
    synced: false,
    declarations_token: null,
    changed_at: null,
    facts: {
      platform,
      os_version: version,
      enrollment: 'device',
      channel: 'device',
      shared_ipad: false,
      models: [],
      serial_number: null,
      supported_types: null,
    },
    declarations: Object.entries(states).map(([id, state]) => ({
      id,
      type: 'com.apple.configuration.x',
      state,
      code: null,
      since: '2026-11-28T09:00:00Z',
      server_token: null,
      reported_token: null,
      active: null,
      valid: null,
      reasons: [],
    })),
  }
}

it('the tab is there for an OS that takes declarations, and for a device that has some', () => {
  expect(isDeclarative(undefined)).toBe(false)
  expect(isDeclarative(declared('macOS', '12.7'))).toBe(false)
  expect(isDeclarative(declared('macOS', '13.0'))).toBe(true)
  expect(isDeclarative(declared('visionOS', '1.0'))).toBe(false)
  expect(isDeclarative(declared('visionOS', '1.1'))).toBe(true)
  expect(isDeclarative(declared(null, null))).toBe(false)
  expect(isDeclarative(declared('macOS', '12.7', { a: 'withheld' }))).toBe(true)
  expect(isDeclarative({ ...declared(null, null), enabled: true })).toBe(true)
})

it('failed declarations stand first, and the tab counts them', () => {
  const of = declared('iOS', '26.4', { b: 'applied', a: 'applied', z: 'failed', w: 'withheld' })
  expect(inOrder(of).map(({ id }) => id)).toEqual(['z', 'w', 'a', 'b'])
  expect(declaredLabel(of)).toBe('Declarations (1 failed)')
  expect(declaredLabel(declared('iOS', '26.4', { a: 'pending' }))).toBe('Declarations')
})

it('a status value is a word, unless it needs a tree', () => {
  expect(['x', '', 0, false, null].map(shortValue)).toEqual(['x', 'empty', '0', 'no', 'none'])
  expect(shortValue(['x'])).toBeUndefined()
})
