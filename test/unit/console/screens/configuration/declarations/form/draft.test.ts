import { describe, expect, it } from 'vitest'
import { faultOf } from '../../../../../../../src/console/api/fault.ts'
import {
  bodyFrom,
  differences,
  faultsOf,
  isConflict,
  mayBeForced,
  NEW_DRAFT,
  previewWords,
  withText,
} from '../../../../../../../src/console/screens/configuration/declarations/form/draft.ts'

const TYPE = 'com.apple.configuration.passcode.settings'
const WHOLE = JSON.stringify({ Type: TYPE, Identifier: 'ex.a', Payload: { MinimumLength: 8 } })
const refused = (errors: readonly { at: string; detail: string }[], more = '') =>
  faultOf(400, JSON.stringify({ code: 'invalid_declaration', detail: `no${more}`, errors }))

describe('a text', () => {
  it('of a whole declaration fills the fields of a new one', () => {
    expect(withText(NEW_DRAFT, WHOLE, true)).toMatchObject({
      id: 'ex.a',
      type: TYPE,
      text: '{\n  "MinimumLength": 8\n}',
    })
  })

  it('of a whole declaration changes only the payload of one that is stored', () => {
    const draft = { ...NEW_DRAFT, id: 'ex.kept', type: 'com.apple.kept' }
    expect(withText(draft, WHOLE, false)).toMatchObject({ id: 'ex.kept', type: 'com.apple.kept' })
  })

  it('that is no whole declaration stays as it was typed', () => {
    for (const text of ['{', '{"Type":"x"}', '{"Type":1,"Payload":{}}', '[1]']) {
      expect(withText(NEW_DRAFT, text, true)).toEqual({ ...NEW_DRAFT, text })
    }
  })
})

describe('what is sent', () => {
  it('has sets only of a new declaration, and a roll-out only when it is asked for', () => {
    const draft = { ...NEW_DRAFT, type: ` ${TYPE} `, text: '{"a":1}', sets: ['s'] }
    expect(bodyFrom(draft, true)).toEqual({ body: { type: TYPE, payload: { a: 1 }, sets: ['s'] } })
    expect(bodyFrom({ ...draft, isStaged: true, steps: '10 50,100' }, false)).toEqual({
      body: {
        type: TYPE,
        payload: { a: 1 },
        rollout: { steps: [10, 50, 100], wait_minutes: 60, stop_at_error_share: 0.1 },
      },
    })
  })

  it('is nothing for a text that is no JSON object', () => {
    for (const text of ['{', '[]', '3', 'null']) {
      expect(bodyFrom({ ...NEW_DRAFT, text }, true)).toHaveProperty('fault')
    }
    const comma = '{\n  "MinimumLength": 6,\n}'
    expect(bodyFrom({ ...NEW_DRAFT, text: comma }, true)).toMatchObject({
      fault: expect.stringContaining('line 3'),
    })
  })

  it('is an empty payload where none was typed', () => {
    expect(bodyFrom(NEW_DRAFT, true)).toMatchObject({ body: { payload: {} } })
  })
})

describe('a fault of the server', () => {
  it('stands at its field', () => {
    const faults = faultsOf(
      refused([
        { at: 'json.payload.Rules.0.Name', detail: 'has to be a string' },
        { at: 'json.rollout.steps', detail: 'has to rise' },
        { at: 'json.sets', detail: 'no set is named x' },
      ]),
    )
    expect(faults.payload).toEqual([{ at: 'Rules.0.Name', detail: 'has to be a string' }])
    expect(faults.steps).toBe('has to rise')
    expect(faults.places).toEqual(['json.payload.Rules.0.Name', 'json.rollout.steps'])
  })

  it('may be forced, or is a change meanwhile', () => {
    expect(mayBeForced(refused([], '; ?force=true stores what Apple’s schema does not have'))).toBe(
      true,
    )
    expect(mayBeForced(refused([]))).toBe(false)
    expect(isConflict(faultOf(409, '{"code":"conflict","detail":"x"}'))).toBe(true)
    expect(isConflict(faultOf(409, '{"code":"declaration_in_use"}'))).toBe(false)
  })
})

it('differences of two payloads are named by their places', () => {
  const before = { a: 1, b: { c: [1, 2], d: 'x' }, gone: true }
  expect(differences(before, { a: 1, b: { c: [1, 3], d: 'x' }, new: null })).toEqual([
    'b.c.1',
    'gone',
    'new',
  ])
  expect(differences(before, before)).toEqual([])
  expect(differences({ a: [] }, { a: {} })).toEqual(['a'])
})

it.each([
  [{ offered: 1, withheld: 0, unknown: 0 }, 'It would get it.'],
  [{ offered: 3, withheld: 0, unknown: 0 }, 'All 3 of these would get it.'],
  [
    { offered: 1, withheld: 2, unknown: 1 },
    '1 of these 4 would get it, 2 would not, of 1 it is not known.',
  ],
])('a preview says how many get it: %o', (counts, words) => {
  expect(previewWords(counts)).toBe(words)
})
