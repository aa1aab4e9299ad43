import { expect, it } from 'vitest'
import type { DeclarationItem } from '../../../../src/ddm/item.ts'
import { manifestOf } from '../../../../src/ddm/manifest/manifest.ts'

const FACTS = {
  platform: 'macOS',
  osVersion: '26.1',
  enrollment: 'supervised',
  scope: 'system',
  sharedIPad: false,
  models: [],
  serialNumber: '',
  supported: undefined,
} as const

it('a device of a staged roll-out keeps its content when an admin touches the declaration', () => {
  const content = {
    type: 'com.apple.management.organization-info',
    needs: { macOS: { from: '13.0' } },
    assets: [],
    configurations: [],
    variables: [],
    files: [],
  }
  const [old, fresh] = ['0'.repeat(32), '1'.repeat(32)]
  const before = { ...content, token: old }
  const item = { ...content, identifier: 'a', rollout: { percent: 50, before } }
  const contentsOf = (declaration: DeclarationItem) =>
    Array.from({ length: 100 }, (_, n) =>
      manifestOf([declaration], { facts: FACTS, id: `DEVICE-${n}`, values: {}, resends: {} }),
    ).map(({ offered }) => offered[0]?.content)
  const contents = contentsOf({ ...item, token: fresh })
  expect(new Set(contents)).toEqual(new Set([old, fresh]))
  expect(contentsOf({ ...item, token: `${fresh}.1` })).toEqual(contents)
})
