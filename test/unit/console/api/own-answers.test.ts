import { expect, it } from 'vitest'
import type { Activity } from '../../../../src/console/api/news.ts'
import { noteOwn } from '../../../../src/console/api/own-answers.ts'

function entry(kind: Activity['kind'], more: Partial<Activity> = {}): Activity {
  const nothing = { id: 1, at: '', device_id: 'D', serial_number: 'C02', job_id: null }
  const command = { command_id: 'D.1', request_type: 'DeviceLock', actor: null }
  return { ...nothing, ...command, kind, device_name: 'Ada’s Mac', ...more }
}

it('the answer to a command of one’s own is told once, with its outcome', () => {
  const mine = new Set<string>()
  expect(noteOwn(mine, entry('command.queued', { actor: 'Ada' }), 'Ada')).toBeUndefined()
  expect(noteOwn(mine, entry('command.sent'), 'Ada')).toBeUndefined()
  expect(noteOwn(mine, entry('command.error'), 'Ada')).toEqual({
    title: 'Ada’s Mac',
    text: 'DeviceLock: Refused',
    to: '/console/commands/D.1',
  })
  expect(noteOwn(mine, entry('command.acknowledged'), 'Ada')).toBeUndefined()
})

it('the commands of others are not told, and not all are remembered for ever', () => {
  const mine = new Set<string>()
  noteOwn(mine, entry('command.queued', { actor: 'Ben' }), 'Ada')
  expect(noteOwn(mine, entry('command.acknowledged'), 'Ada')).toBeUndefined()
  for (let n = 0; n < 300; n++) {
    noteOwn(mine, entry('command.queued', { actor: 'Ada', command_id: `D.${n}` }), 'Ada')
  }
  expect(mine.size).toBe(200)
})
