import { expect, it } from 'vitest'
import { clearQueue } from '../../../../src/device/queue/cancel.ts'
import { takeOver, viewWaiting } from '../../../../src/device/queue/move.ts'
import { stateOfCommand } from '../../../../src/device/queue/lookup.ts'
import { queueCommandOnce } from '../../../../src/device/queue/enqueue.ts'
import type { NewCommand } from '../../../../src/device/store/commands/new-command.ts'
import { viewQueue } from '../../../../src/device/queue/page.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'

const DAY = 86_400_000

const fromJob = (source: string): NewCommand => ({
  uuid: 'one',
  requestType: 'ProfileList',
  payload: new Uint8Array(3),
  secret: false,
  source,
})

const waiting = (object: TestObject, user = ''): number =>
  object.commit((context) => viewQueue(context, user, 0)).commands.length

it('a batch that is repeated after a crash queues no command twice in any channel', () => {
  const object = new TestObject('D')
  const since = object.now
  const once = (user: string, source: string) =>
    object.commit((context) => queueCommandOnce(context, user, fromJob(source), since))
  expect(once('', 'job/a')).toMatchObject({ kind: 'queued', id: 'D.1' })
  object.evict()
  expect(once('', 'job/a')).toMatchObject({ kind: 'queued', id: 'D.1' })
  expect(once('U', 'job/a')).toMatchObject({ kind: 'queued', id: 'D:U.1' })
  expect(once('', 'job/b')).toMatchObject({ kind: 'queued', id: 'D.2' })
  expect(once('U', 'job/a')).toMatchObject({ kind: 'queued', id: 'D:U.1' })
  expect(waiting(object)).toBe(2)
  expect(waiting(object, 'U')).toBe(1)
  expect(object.commit((context) => stateOfCommand(context, 'U', 1))).toBe('queued')
  expect(object.commit((context) => stateOfCommand(context, 'U', 2))).toBeUndefined()
})

it('the search for a job’s command ends at the first command older than the job', () => {
  const object = new TestObject('D')
  object.commit((context) => queueCommandOnce(context, '', fromJob('job/a'), 0))
  const began = object.now + 1
  const later = object.commit((context) => queueCommandOnce(context, '', fromJob('job/a'), began))
  expect(later).toMatchObject({ kind: 'queued', id: 'D.2' })
})

it('a repeated batch does not queue again commands that were cancelled with the whole queue', () => {
  const object = new TestObject('D', { keepResults: { kind: 'bounded', count: 1, ms: DAY } })
  const since = object.now
  const once = (source: string) =>
    object.commit((context) => queueCommandOnce(context, '', fromJob(source), since))
  for (const source of ['job/a', 'other', 'job/b']) {
    once(source)
  }
  object.commit((context) => clearQueue(context, channelOf(context, '')))
  expect(once('job/a')).toMatchObject({ id: 'D.1', repeated: true })
  expect(waiting(object)).toBe(0)
  const kept = () => object.db().all('SELECT source FROM commands ORDER BY id')
  expect(kept()).toEqual([{ source: 'job/a' }, { source: 'job/b' }])
  // Only for a while: a job stops for minutes, not for days.
  object.now += DAY
  once('job/c')
  expect(kept()).toEqual([{ source: 'job/c' }])
})

it('a job finds its command again after the move from a bare UserID to its channel', () => {
  const bare = new TestObject('U')
  bare.commit((context) => queueCommandOnce(context, '', fromJob('job/a'), 0))
  const moved = bare.commit((context) => viewWaiting(context, 0))?.commands ?? []
  const owner = new TestObject('D')
  owner.commit((context) => {
    context.state.device.state = 'enrolled'
    channelOf(context, 'U')
    queueCommandOnce(context, '', fromJob('job/a'), 0)
  })
  owner.commit((context) => takeOver(context, 'U', 'U', moved))
  owner.commit((context) => takeOver(context, 'U', 'U', moved))
  expect(waiting(owner, 'U')).toBe(1)
  const again = owner.commit((context) => queueCommandOnce(context, 'U', fromJob('job/a'), 0))
  expect(again).toMatchObject({ id: 'D:U.1', repeated: true })
})
