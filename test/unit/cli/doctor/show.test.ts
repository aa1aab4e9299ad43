import { expect, it } from 'vitest'
import { type DoctorResult, NEEDS_A_KEY } from '../../../../src/cli/doctor/check.ts'
import { resultLines } from '../../../../src/cli/doctor/show.ts'

const result = (number: number, verdict: Partial<DoctorResult>): DoctorResult =>
  ({ number, id: `id-${number}`, title: `title ${number}`, ...verdict }) as DoctorResult

const RESULTS = [
  result(1, { level: 'ok', seen: 'EdgeMDM 1' }),
  result(2, { level: 'skip', seen: 'not here' }),
  result(4, { level: 'fail', seen: '403 from a firewall', fix: 'turn it off' }),
  result(7, { level: 'skip', seen: 'not here' }),
  result(8, { level: 'skip', seen: 'no key' }),
  result(26, { level: 'warn', seen: 'it is older', fix: 'deploy' }),
]
const PLAIN = { color: false, verbose: false }

it('each result is a line with its remedy, skips share one, and the last line counts', () => {
  expect(resultLines(RESULTS, PLAIN)).toEqual([
    '✓  1 title 1',
    '✗  4 403 from a firewall. Turn it off',
    '! 26 it is older. Deploy',
    '–  2, 7: not here',
    '–  8: no key',
    '',
    '1 ok, 1 warning, 1 failed, 3 skipped',
  ])
})

it('a number is skipped in one line, and not beside a part of it that ran', () => {
  const results = [
    result(14, { level: 'skip', seen: 'no key' }),
    result(14, { level: 'skip', seen: 'no account' }),
    result(26, { level: 'ok', seen: '1' }),
    result(26, { level: 'skip', seen: 'no account' }),
    result(27, { level: 'skip', seen: 'no account' }),
  ]
  expect(resultLines(results, PLAIN)).toEqual([
    '✓ 26 title 26',
    '–  14: no key',
    '–  27: no account',
    '',
    '1 ok, 0 warnings, 0 failed, 2 skipped',
  ])
})

it('without a key, the end says that most checks need one', () => {
  const skips = [12, 13].map((number) => result(number, { level: 'skip', seen: NEEDS_A_KEY }))
  expect(resultLines(skips, PLAIN).at(-1)).toMatch(
    /^Most checks need a key.*API_KEY=… npm run doctor/,
  )
})

it('a sentence of a server that ends with a full stop gets no second one', () => {
  const [line] = resultLines([result(1, { level: 'fail', seen: 'it broke.', fix: 'mend' })], PLAIN)
  expect(line).toBe('✗  1 it broke. Mend')
})

it('with --verbose, a good check says what it saw', () => {
  expect(resultLines(RESULTS, { ...PLAIN, verbose: true })[0]).toBe('✓  1 title 1: EdgeMDM 1')
})

it('the signs alone have a colour', () => {
  const [ok, fail] = resultLines(RESULTS, { ...PLAIN, color: true })
  expect(ok).toBe('\u001b[32m✓\u001b[0m  1 title 1')
  expect(fail).toBe('\u001b[31m✗\u001b[0m  4 403 from a firewall. Turn it off')
})

it('what a server sends cannot move the cursor', () => {
  const [line] = resultLines([result(1, { level: 'fail', seen: 'a\u001b[2Jb', fix: 'c' })], PLAIN)
  expect(line).toBe('✗  1 a\ufffd[2Jb. C')
})
