import { expect, it } from 'vitest'
import {
  ruleDraftOf,
  linesIn,
  NO_RULE,
  ruleFrom,
  ruleWords,
  type SetRule,
} from '../../../../../../src/console/screens/configuration/sets/rule.ts'

const ALL: SetRule = {
  platform: null,
  os_version: null,
  os_version_from: null,
  os_version_below: null,
  supervised: null,
  model: null,
  serial_number: null,
  channel: 'device',
}
const FULL: SetRule = {
  platform: ['macOS', 'iOS'],
  os_version: null,
  os_version_from: '26',
  os_version_below: '28.1',
  supervised: false,
  model: ['MacBookAir', 'iPhone 15, Pro'],
  serial_number: ['C02A', 'C02B'],
  channel: 'user',
}

it('a rule comes back from the form as it went in', () => {
  const { os_version: _, ...sent } = { ...FULL, model: ['MacBookAir'] }
  expect(ruleFrom(ruleDraftOf({ ...FULL, model: ['MacBookAir'] }))).toEqual(sent)
  expect(ruleFrom(ruleDraftOf(ALL))).toEqual({})
  expect(ruleFrom(ruleDraftOf(null))).toBeNull()
  expect(ruleFrom({ ...NO_RULE, from: '26' })).toBeNull()
})

it('ids stand on lines or between commas, each once', () => {
  expect(linesIn(' a \n\nb,c; a\r\n')).toEqual(['a', 'b', 'c'])
})

it('a rule is said in words', () => {
  expect(ruleWords(ALL)).toBe('all devices')
  expect(ruleWords({ ...ALL, platform: ['macOS'], os_version: '26' })).toBe(
    'all macOS devices, with OS 26',
  )
  expect(ruleWords(FULL)).toBe(
    'the users of all macOS or iOS devices, with OS 26 or later, with an OS before 28.1, ' +
      'not supervised, of the model MacBookAir or iPhone 15, Pro, with one of 2 serial numbers',
  )
})
