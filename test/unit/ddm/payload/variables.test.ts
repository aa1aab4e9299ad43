import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expandVariables, VARIABLES, variablesOf } from '../../../../src/ddm/payload/variables.ts'

describe('the variables of a payload', () => {
  it('are found in all its texts, each once, known or not', () => {
    const payload = {
      Name: '${serial_number} of ${model}',
      List: [{ Text: '${model}-${unknown name}' }, 5, null, true],
      '${udid}': 'x',
    }
    expect(variablesOf(payload)).toEqual(['serial_number', 'model', 'unknown name'])
  })

  it('are no variables with a second dollar sign, or without an end', () => {
    expect(variablesOf(['$${udid}', '${udid', '$udid', '{udid}', 'a{2}$'])).toEqual([])
    expect(variablesOf('$$${udid}')).toEqual([])
  })
})

describe('expanded JSON', () => {
  it('holds the values as texts, and nothing else of them', () => {
    const text = '{"A":"${device_name}","B":["x ${udid} $${udid}"],"${udid}" : 1.10}'
    const values = { device_name: '"},\n\\${udid}', udid: 'U' }
    expect(expandVariables(text, values)).toBe(
      String.raw`{"A":"\"},\n\\${'${udid}'}","B":["x U ${'${udid}'}"],"${'${udid}'}" : 1.10}`,
    )
  })

  it('finds variables in escaped texts', () => {
    expect(expandVariables(String.raw`["\u0024{udid}", "\\\"${'$'}{udid}"]`, { udid: 'U' })).toBe(
      String.raw`["U", "\\\"U"]`,
    )
  })

  it('needs a value for each variable', () => {
    expect(() => expandVariables('["${udid}"]', {})).toThrow('variable udid has no value')
    expect(() => expandVariables('["${constructor}"]', {})).toThrow('constructor has no value')
    expect(expandVariables('["${udid}"]', { udid: '' })).toBe('[""]')
  })

  it('is the JSON of the expanded values', () => {
    const names = Object.keys(VARIABLES)
    const piece = fc.oneof(
      fc.string().map((text) => ({ text: text.replaceAll('$', '€') })),
      fc.constantFrom(...names).map((name) => ({ text: `\${${name}}`, name })),
    )
    const values = fc.record(Object.fromEntries(names.map((name) => [name, fc.string()])))
    fc.assert(
      fc.property(fc.array(fc.array(piece)), values, (lists, chosen) => {
        const written = lists.map((pieces) => pieces.map(({ text }) => text).join(''))
        const expanded = lists.map((pieces) =>
          pieces.map((one) => ('name' in one ? chosen[one.name] : one.text)).join(''),
        )
        expect(JSON.parse(expandVariables(JSON.stringify(written), chosen))).toEqual(expanded)
      }),
    )
  })
})
