import { describe, expect, it } from 'vitest'
import { type DepMatch, ruleFor } from '../../../src/dep/rules.ts'

const MAC = {
  serial_number: 'C02XYZ99',
  model: 'MacBook Pro 14"',
  os: 'OSX',
  device_family: 'Mac',
  device_assigned_by: 'ann@example.com',
}

describe('a condition', () => {
  it.each<[DepMatch, boolean]>([
    [{}, true],
    [{ family: ['Mac'] }, true],
    [{ family: ['iPad', 'mac'] }, true],
    [{ family: ['iPad'] }, false],
    [{ family: [] }, false],
    [{ os: ['OSX'], serial: ['C02*'] }, true],
    [{ os: ['OSX'], serial: ['C03*'] }, false],
    [{ model: ['macbook*'] }, true],
    [{ model: ['MacBook'] }, false],
    [{ serial: ['*Z99'] }, true],
    [{ serial: ['C02*X*9'] }, true],
    [{ serial: ['C02XYZ*Z99'] }, false],
    [{ serial: ['C.2XYZ99'] }, false],
    [{ serial: ['*'] }, true],
    [{ assigned_by: ['*@example.com'] }, true],
    [{ assigned_by: ['-1'] }, false],
  ])('%j matches the Mac: %s', (match, matches) => {
    expect(ruleFor([{ match, profile: 'P' }], MAC) !== undefined).toBe(matches)
  })

  it('on a value that Apple does not send is matched by * alone', () => {
    const device = { serial_number: 'A' }
    expect(ruleFor([{ match: { model: ['Mac*'] }, profile: 'P' }], device)).toBeUndefined()
    expect(ruleFor([{ match: { model: ['*'] }, profile: 'P' }], device)?.profile).toBe('P')
  })

  it('with many stars takes no time', () => {
    const pattern = `${'*a'.repeat(200)}b`
    const device = { serial_number: 'a'.repeat(64), model: 'a'.repeat(2000) }
    expect(ruleFor([{ match: { model: [pattern] }, profile: 'P' }], device)).toBeUndefined()
  })
})

it('the first rule that matches decides', () => {
  const rules = [
    { match: { family: ['iPad'] }, profile: 'pads' },
    { match: { serial: ['C02*'] }, profile: 'macs' },
    { match: {}, profile: 'rest' },
  ]
  expect(ruleFor(rules, MAC)?.profile).toBe('macs')
  expect(ruleFor(rules, { serial_number: 'F1' })?.profile).toBe('rest')
  expect(ruleFor([], MAC)).toBeUndefined()
})
