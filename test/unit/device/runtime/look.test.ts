import { expect, it } from 'vitest'
import { decideAt, lookAt } from '../../../../src/device/runtime/look.ts'
import { queueCommand } from '../../../../src/device/queue/enqueue.ts'
import { isDevice, ITSELF } from '../../../../src/device/store/address.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'

const BARE = { user: '', bare: true }
const answer = () => ({ kind: 'answer' }) as const
const elsewhere = { kind: 'elsewhere', device: 'none' }

function queueOne(object: TestObject): void {
  const command = { uuid: 'C', requestType: 'ProfileList', payload: new Uint8Array(1) }
  object.commit((context) => queueCommand(context, '', { ...command, secret: false, source: '' }))
}

it('a look at an object that holds nothing answers unknown, and makes no tables', () => {
  const object = new TestObject()
  expect(object.commit((context) => lookAt(context, ITSELF, answer))).toEqual({ kind: 'unknown' })
  expect(object.commit((context) => decideAt(context, ITSELF, answer))).toEqual(answer())
  expect(object.db().all('SELECT name FROM sqlite_master')).toEqual([])
})

it('a bare id that is not a device’s leads elsewhere before anything is decided', () => {
  const object = new TestObject()
  expect(object.commit((context) => lookAt(context, BARE, answer))).toEqual(elsewhere)
  queueOne(object)
  expect(object.commit((context) => lookAt(context, BARE, answer))).toEqual(elsewhere)
  expect(object.enrolled().commit((context) => lookAt(context, BARE, answer))).toEqual(answer())
  expect(object.commit(isDevice)).toBe(true)
})

it('a look at a user without a channel answers unknown', () => {
  const object = new TestObject().enrolled()
  const ada = { user: 'ADA', bare: false }
  expect(object.commit((context) => lookAt(context, ada, answer))).toEqual({ kind: 'unknown' })
  object.commit((context) => channelOf(context, 'ADA'))
  expect(object.commit((context) => lookAt(context, ada, answer))).toEqual(answer())
})

it('the id of a command leads to the object that keeps it, whatever its enrolment’s id means', () => {
  const object = new TestObject()
  queueOne(object)
  const at = (n: number) =>
    object.commit((context) => lookAt(context, BARE, answer, { enrollment: object.name, n }))
  expect([at(1), at(2)]).toEqual([answer(), elsewhere])
})
