import { expect, it } from 'vitest'
import { dueTimes } from '../../../../src/device/runtime/alarm.ts'
import { listAnew, projected } from '../../../../src/device/standing/directory-row.ts'
import { DAY, enrolled, MINUTE } from '../enrolled.ts'

it('a row that the directory does not take is announced after a minute, then after waits that double', () => {
  const object = enrolled()
  object.commit((context) => {
    projected(context, context.state.device.version)
  })
  // An admin changes a device that has sent nothing for a month.
  object.now += 30 * DAY
  object.commit(listAnew)
  const waits: number[] = []
  for (let tries = 0; tries < 5; tries++) {
    const { due, next = expect.fail() } = object.commit(dueTimes)
    expect(due.announcement.directory !== undefined).toBe(tries > 0)
    waits.push(Math.round((next - object.now) / MINUTE))
    object.now = next
  }
  expect(waits).toEqual([1, 1, 2, 4, 8])
})
