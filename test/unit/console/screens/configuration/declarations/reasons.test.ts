import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  isInWords,
  reasonIn,
  saysMore,
  warningWords,
} from '../../../../../../src/console/screens/configuration/declarations/reasons.ts'

const DOCS = join(import.meta.dirname, '../../../../../../docs/declarations.md')

it('every code of docs/declarations.md has words and what to do', () => {
  const [, section = ''] = readFileSync(DOCS, 'utf8').split('## Reasons of failures')
  const codes = [...section.matchAll(/`((?:Error|Info)\.\w+)`/g)].map(([, code = '']) => code)
  expect(codes.length).toBeGreaterThan(12)
  expect(codes.filter((code) => !isInWords(code))).toEqual([])
  const failures = codes.filter((code) => code.startsWith('Error.'))
  expect(failures.filter((code) => reasonIn(code).fix === '')).toEqual([])
})

it('an unknown code stands as it is, and points to the device’s own words', () => {
  expect(reasonIn('Error.New')).toEqual({
    words: 'Error.New',
    fix: 'Read the device’s own words.',
  })
  expect(isInWords('Error.New')).toBe(false)
  expect(reasonIn('constructor').words).toBe('constructor')
})

it('the code of a withheld declaration is a sentence already', () => {
  expect(reasonIn('came with macOS 13.0, and the device has 12.6').words).toBe(
    'Came with macOS 13.0, and the device has 12.6',
  )
  expect(reasonIn('iOS does not have it').words).toBe('iOS does not have it')
  expect(reasonIn(null).words).toBe('The device gives no reason')
})

it('details that only repeat the description say nothing more', () => {
  const reason = {
    code: 'Error.ConfigurationIsInvalid',
    description: '26.4 is not newer than 26.4',
  }
  const { description } = reason
  expect(saysMore({ ...reason, details: { Error: description } })).toBe(false)
  expect(saysMore({ ...reason, details: null })).toBe(false)
  expect(saysMore({ ...reason, details: { Error: description, Key: 'TargetOSVersion' } })).toBe(
    true,
  )
  expect(saysMore({ ...reason, details: 'the key TargetOSVersion' })).toBe(true)
})

it('the warning that no device gets it names no call of the API', () => {
  const source = readFileSync(join(DOCS, '../../src/http/api/declarations/put.ts'), 'utf8')
  const [, warning = ''] = /NO_DEVICES =\s+'(.*)'/.exec(source) ?? []
  expect(warning).toContain('POST /api/')
  expect(warningWords(warning)).toBe(
    'No device is in its sets. Add devices to one under Sets, or give one a rule.',
  )
  expect(warningWords('the key is old')).toBe('The key is old.')
})
