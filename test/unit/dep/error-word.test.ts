import { expect, it } from 'vitest'
import { errorWord } from '../../../src/dep/error-word.ts'

it.each([
  ['INVALID_CURSOR', 'INVALID_CURSOR'],
  ['"T_C_NOT_SIGNED"\n', 'T_C_NOT_SIGNED'],
  ['{"code":"T_C_NOT_SIGNED"}', 'T_C_NOT_SIGNED'],
  ['{ "message": "x", "code": "NOT_FOUND" }', 'NOT_FOUND'],
  ['token_rejected', 'TOKEN_REJECTED'],
  ['', ''],
  ['the word INVALID_CURSOR in a text', ''],
  ['<html>FORBIDDEN</html>', ''],
  ['{"error":"FORBIDDEN"}', ''],
])('%j is the word %j', (body, word) => {
  expect(errorWord(body)).toBe(word)
})
