import { describe, expect, it } from 'vitest'
import { membersIn, tabbed } from '../../../../src/http/kmfddm/json-text.ts'

describe('the members of an object', () => {
  it('keep the text of their values', () => {
    const text = '{ "a" : 12345678901234567890.10 ,"b\\"":{"c":[1,{"d":","}]},\n"":"}" , "e":[ ] }'
    expect([...membersIn(text)]).toEqual([
      ['a', '12345678901234567890.10'],
      ['b"', '{"c":[1,{"d":","}]}'],
      ['', '"}"'],
      ['e', '[ ]'],
    ])
  })

  it('are none in an empty object', () => {
    expect(membersIn(' { } ').size).toBe(0)
  })

  it('have the last value of equal names', () => {
    expect([...membersIn('{"a":1,"a":2}')]).toEqual([['a', '2']])
  })
})

describe('tabbed JSON', () => {
  it.each([
    ['{}', '{}'],
    ['[ ]', '[]'],
    ['1.50', '1.50'],
    [
      '{"a":[1,{"b":{}}],"c":"x: {,}"}',
      '{\n\t"a": [\n\t\t1,\n\t\t{\n\t\t\t"b": {}\n\t\t}\n\t],\n\t"c": "x: {,}"\n}',
    ],
    ['["<&>\u2028é\\u00e9"]', '[\n\t"\\u003c\\u0026\\u003e\\u2028é\\u00e9"\n]'],
  ])('of %s is as Go writes it', (text, written) => {
    expect(tabbed(text)).toBe(written)
    expect(JSON.parse(written)).toEqual(JSON.parse(text))
  })

  it('is made of a long text', () => {
    const text = JSON.stringify({
      a: '\\"'.repeat(400_000),
      b: Array.from({ length: 50_000 }, (_, n) => n),
    })
    expect(JSON.parse(tabbed(text))).toEqual(JSON.parse(text))
  })
})
