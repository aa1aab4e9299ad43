import { expect, it } from 'vitest'
import {
  commandToPaste,
  partsOf,
  asSentence,
} from '../../../../../src/console/screens/health/text.ts'

it('a text of the server becomes a sentence', () => {
  expect(asSentence('the daily cron has never run')).toBe('The daily cron has never run.')
  expect(asSentence('ask for help (docs/a.md)')).toBe('Ask for help (docs/a.md).')
  expect(asSentence('it is good.')).toBe('It is good.')
  expect(asSentence('')).toBe('')
})

it('commands stand between backticks, and the first that a terminal takes can be copied', () => {
  const fix = 'set `API_KEY`, then run `npx wrangler deploy` and look'
  expect(partsOf(fix).map(({ isCode }) => isCode)).toEqual([false, true, false, true, false])
  expect(commandToPaste(fix)).toBe('npx wrangler deploy')
  expect(commandToPaste('set `API_KEY`')).toBeUndefined()
})
