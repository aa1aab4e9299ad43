import { expect, it } from 'vitest'
import { callDoctor, judgeFindings } from '../../../../src/cli/deploy/examine.ts'

const finding = (id: string, level: 'ok' | 'warn' | 'fail' | 'skip') => ({
  number: 1,
  id,
  title: id,
  level,
  seen: 'something',
})

it('failed checks count, and warnings are only shown', () => {
  const all = [finding('a', 'ok'), finding('b', 'warn'), finding('c', 'fail'), finding('d', 'skip')]
  const { notable, failed } = judgeFindings(all, false)
  expect([notable.map(({ id }) => id), failed]).toEqual([['b', 'c'], 1])
})

it('a server that is to wait for its owner is not ill because it has none', () => {
  const all = [finding('reachable', 'fail'), finding('tls', 'fail')]
  expect(judgeFindings(all, false).failed).toBe(2)
  const { notable, failed } = judgeFindings(all, true)
  expect([notable.map(({ id, level }) => `${id} ${level}`), failed]).toEqual([
    ['reachable warn', 'tls fail'],
    1,
  ])
})

it('a doctor that cannot run says why', async () => {
  const examination = { url: 'nonsense', apiKey: undefined, env: { PATH: process.env['PATH'] } }
  await expect(callDoctor(examination)).rejects.toThrow(/the doctor did not run: .*nonsense/)
})
