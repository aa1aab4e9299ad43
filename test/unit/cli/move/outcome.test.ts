import { expect, it } from 'vitest'
import type { MoveView } from '../../../../src/cli/move/client.ts'
import { checkLines, enrolmentEnds, reportOf } from '../../../../src/cli/move/outcome.ts'
import { command, device, planOf, queue, TOPIC } from './fleet.ts'

const view: MoveView = {
  id: 'M',
  name: 'micromdm.db',
  digest: 'd',
  state: 'active',
  created_at: '2026-11-29T00:00:00Z',
  items: { device: 5, certificate: 2 },
  devices: { moved: 3, contested: 2, unproven: 1 },
  checks: [{ name: 'host', ok: false, detail: 'devices call another name' }],
}
const seen = { unproven: [], enrolment: [], topic: TOPIC, verbose: false }

it('the report has the counts of the server, and how many channels a push reaches', () => {
  const plan = planOf([device('UDID-1'), device('UDID-2', { state: 'checked_out' })])
  const text = reportOf(view, { ...seen, plan }).join('\n')
  expect(text).toMatch(/3 devices moved: .*\n +2 devices contested: .*\n +1 device unproven: /)
  expect(text).toContain('certificate: 2')
  expect(text).toContain('1 of 1 channel can be pushed')
  expect(reportOf(view, { ...seen, plan, topic: 'other' }).join('\n')).toContain('0 of 1 channel')
})

it('the calls that release commands name the types, and leave the destructive ones out', () => {
  const plan = planOf([
    device('UDID-1', queue(command('A', 'InstallProfile'), command('B', 'EraseDevice'))),
  ])
  const text = reportOf(view, { ...seen, plan }).join('\n')
  expect(text).toContain('2 commands came, each held until it is released:')
  expect(text).toContain(
    'POST /api/commands/release {"all":true,"request_types":["InstallProfile"]}',
  )
  expect(text).toContain('for each of the 1 destructive ones')
})

it('unproven devices are listed with the call that approves them', () => {
  const unproven = Array.from({ length: 30 }, (_, n) => `UDID-${n}`)
  const text = reportOf(view, { ...seen, plan: undefined, unproven }).join('\n')
  expect(text).toContain('UDID-19 and 10 more')
  expect(text).toContain('/api/enrollments/decide {"ids":["UDID-0"],"decision":"renewal"}')
  expect(text).not.toContain('held')
})

it('what new devices get is counted by outcome, and what is not taken up has its reason', async () => {
  const item = { digest: '', standing: null, remark: null }
  const lists: Record<string, object[]> = {
    blueprint: [
      { ...item, id: 'B-1', outcome: 'applied' },
      { ...item, id: 'B-2', outcome: 'applied', remark: 'not here: the profile P' },
      { ...item, id: 'B-3', outcome: 'kept', remark: 'another has its name' },
    ],
    dep_account: [{ ...item, id: 'CK_1', outcome: 'applied' }],
  }
  const call = async (_: string, path: string) => {
    const kind = /kind=(\w+)/.exec(path)?.[1] ?? ''
    return JSON.stringify({ items: lists[kind], next: null })
  }
  const enrolment = await enrolmentEnds(call, { id: 'M', items: { blueprint: 3, dep_account: 1 } })
  const text = reportOf(view, { ...seen, plan: undefined, enrolment }).join('\n')
  expect(text).toMatch(/2 blueprints taken up\n +1 blueprint not taken up/)
  expect(text).toMatch(/ B-2: not here: the profile P\n +B-3: another has its name\n/)
  expect(text).toContain('1 account of Apple Business Manager taken up')
  expect(text).toContain('POST /api/dep/accounts/ID/confirm')
})

it('a check says whether it holds, and an admin has to look at the host', () => {
  const push = { name: 'push_certificate', ok: false, detail: 'another topic' }
  expect(checkLines({ ...view, checks: [push, ...view.checks] })).toEqual([
    '  NO  push_certificate: another topic',
    '  ??  host: devices call another name',
  ])
})
