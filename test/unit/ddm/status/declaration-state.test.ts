import { expect, it, test } from 'vitest'
import { stateOf } from '../../../../src/ddm/status/declaration-state.ts'
import type { DeclarationKind } from '../../../../src/ddm/kinds.ts'
import { after, declared, FULL, INCREMENT, OFFERED, TOKEN } from './reports.ts'

const reported = (active: boolean, valid: string, ...codes: string[]) => ({
  identifier: 'x',
  token: 't',
  active,
  valid,
  reasons: codes.map((code) => ({ code, description: '', details: null })),
})

test.each<[string, boolean, string, DeclarationKind, ...string[]]>([
  ['applied', true, 'valid', 'configuration'],
  ['applied', false, 'valid', 'management'],
  ['failed', false, 'invalid', 'management'],
  ['failed', true, 'invalid', 'configuration'],
  ['failed', true, 'valid', 'activation', 'Error.ConfigurationFailed'],
  ['failed', false, 'unknown', 'asset', 'Error.MissingAssets'],
  ['inactive', false, 'valid', 'activation', 'Info.Predicate'],
  ['inactive', false, 'valid', 'configuration', 'Info.NotReferencedByActivation'],
  ['inactive', false, 'valid', 'asset', 'Info.NotReferencedByConfiguration'],
  ['pending', false, 'unknown', 'configuration'],
  ['pending', true, '', 'configuration'],
])('a declaration is %s: active %s, valid %s, %s %s', (state, active, valid, kind, ...codes) => {
  const actual = stateOf(reported(active, valid, ...codes), 't', kind)
  expect(actual).toMatchObject({ state, code: codes[0] ?? '' })
})

it('is pending, without reasons, while reports are about other content', () => {
  const nothing = { state: 'pending', code: '', reasons: [] }
  const failed = reported(true, 'invalid', 'Error.ConfigurationIsInvalid')
  expect(stateOf(failed, 't2', 'configuration')).toEqual(nothing)
  expect(stateOf(undefined, 't', 'configuration')).toEqual(nothing)
})

it('has the code of its first error', () => {
  const codes = ['Info.UnsupportedSettings', 'Error.MissingState', 'Error.Unknown']
  expect(stateOf(reported(true, 'valid', ...codes), 't', 'configuration')).toMatchObject({
    code: 'Error.MissingState',
    reasons: [{ code: codes[0] }, { code: codes[1] }, { code: codes[2] }],
  })
})

it('belongs to an identifier: equal content elsewhere shares nothing', () => {
  const offered = new Map([
    ['one', 'same'],
    ['two', 'same'],
  ])
  const { declarations } = after(FULL, INCREMENT)
  expect(declarations.has('one')).toBe(false)
  const status = after({
    StatusItems: {
      management: { declarations: { configurations: [declared('ex.cfg.subs', TOKEN.passcode)] } },
    },
  }).declarations
  for (const [identifier, token] of [...OFFERED, ...offered]) {
    expect(stateOf(status.get(identifier), token, 'configuration').state).toBe('pending')
  }
})
