import { expect, it } from 'vitest'
import { previewJson } from '../../../../../src/http/api/dep/preview.ts'

it('the preview of an object of an earlier version, which counts no rules, is shown without them', () => {
  const counts = { assign: 2, foreign: 1, profiles: { A1: 3 } }
  expect(previewJson(counts)).toEqual({ ...counts, rules: [] })
})
