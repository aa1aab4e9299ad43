/** What devices, admins and time do to a setup beside its steps. */
import { expect, it } from 'vitest'
import { cancelCommands, clearQueue } from '../../../../src/device/queue/cancel.ts'
import { queueWithSetup } from '../../../../src/device/setup/queued.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { TestObject } from '../object.ts'
import { DEVICE, fates, queue, report, say, showLife } from '../say.ts'
import {
  begin,
  connect,
  enrols,
  inSetup,
  planOf,
  ring,
  runOf,
  send,
  states,
  steer,
  step,
  told,
  walk,
} from './setup.ts'

const HOUR = 3_600_000
const payloadOf = (RequestType: string, CommandUUID: string) =>
  writePlist({ Command: { RequestType }, CommandUUID })

const order = (object: TestObject, requestType: string): void => {
  const payload = payloadOf(requestType, 'own')
  const own = { uuid: 'own', requestType, payload, secret: false, source: '' }
  object.commit((context) => queueWithSetup(context, '', own, undefined))
}
const queueOne = (object: TestObject, requestType: string, source = ''): void =>
  queue(object, requestType, requestType, { payload: payloadOf(requestType, requestType), source })

it('takes a CommandFormatError that names no command as the answer to the last one', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  connect(object)
  expect(connect(object, 'CommandFormatError')).toMatchObject({ type: 'Settings' })
  expect(states(object)).toEqual(['failed', 'sent'])
  expect(connect(object, 'CommandFormatError')).toMatchObject({ type: 'DeviceConfigured' })
  connect(object, 'CommandFormatError')
  expect(runOf(object).state).toBe('released')
})

it('gives a command that the device postpones too late out again only after the setup', () => {
  const object = inSetup([send('InstallProfile'), send('Settings', { timeoutMs: 300_000 })])
  const late = connect(object)
  object.now += 61_000
  ring(object)
  expect(connect(object, 'NotNow', late?.uuid)).toMatchObject({ type: 'Settings' })
  object.evict()
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured', 'InstallProfile'])
  expect(states(object)).toEqual(['timed_out', 'done'])
})

it('takes the answer to a command of an admin that it holds since', () => {
  const object = inSetup([])
  walk(object)
  queueOne(object, 'ProfileList')
  const given = connect(object)
  steer(object, { kind: 'restart', origin: 'https://mdm.test' })
  begin(object, planOf([send('Settings')]))
  expect(connect(object, 'Acknowledged', given?.uuid)).toMatchObject({ type: 'Settings' })
  expect(fates(object)).toMatchObject({ ProfileList: 'acknowledged' })
})

it('lets a command wait that an admin queues before the blueprints are read', () => {
  const object = new TestObject()
  enrols(object)
  queueOne(object, 'ProfileList')
  expect(connect(object)).toBeUndefined()
  begin(object, planOf([send('Settings')]))
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured', 'ProfileList'])
})

it('queues a DeviceConfigured again that an admin has cancelled with all commands', () => {
  const object = inSetup([])
  expect(connect(object)).toMatchObject({ type: 'DeviceConfigured' })
  object.commit((context) => clearQueue(context, channelOf(context, '')))
  expect(walk(object)).toEqual(['DeviceConfigured'])
  expect(runOf(object).state).toBe('released')
})

it('releases a device first that comes back after hours', () => {
  const object = inSetup([send('InstallProfile')])
  expect(connect(object)).toMatchObject({ type: 'InstallProfile' })
  object.now += HOUR
  ring(object)
  object.now += 10 * HOUR
  ring(object)
  expect(walk(object)).toEqual(['DeviceConfigured', 'InstallProfile'])
  expect(runOf(object).state).toBe('released')
})

it('ends an hour after a DeviceConfigured that the device does not answer', () => {
  const object = inSetup([])
  queueOne(object, 'ProfileList')
  expect(connect(object)).toMatchObject({ type: 'DeviceConfigured' })
  expect(connect(object)).toMatchObject({ type: 'DeviceConfigured' })
  object.now += HOUR
  ring(object)
  expect(runOf(object).state).toBe('finished')
  expect(told(object)).toEqual(['setup.started', 'setup.finished'])
  expect(walk(object)).toEqual(['DeviceConfigured', 'ProfileList'])
})

it.each([
  ['before it enrolled', true],
  ['while it is released', false],
])('sends one DeviceConfigured, although an admin queued another %s', (_, isBefore) => {
  const object = new TestObject()
  if (isBefore) {
    order(object, 'DeviceConfigured')
  }
  enrols(object)
  begin(object, planOf([]))
  const given = connect(object)
  if (!isBefore) {
    order(object, 'DeviceConfigured')
  }
  expect(given).toMatchObject({ type: 'DeviceConfigured' })
  expect(connect(object, 'Acknowledged', given?.uuid)).toBeUndefined()
  expect(fates(object)).toMatchObject({ own: 'cancelled' })
})

it('repeats that of two equal steps which is meant', () => {
  const [one, two] = [send('Settings'), send('Settings')]
  const object = inSetup([one, two], { release: 'manual' })
  walk(object)
  const plan = planOf([one, { ...two, ...send('Settings') }])
  expect(steer(object, { kind: 'retry', step: 1, plan })).toMatchObject({ kind: 'run' })
  expect(connect(object)?.uuid).toBe(plan.steps[1]?.command?.uuid)
})

it('holds the command to synchronise again when the time for declarations is over', () => {
  const object = inSetup([step('declarations', ''), send('Settings')])
  queueOne(object, 'DeclarativeManagement', 'declarations')
  const given = connect(object)
  expect(given).toMatchObject({ type: 'DeclarativeManagement' })
  object.now += 61_000
  ring(object)
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured', 'DeclarativeManagement'])
})

it('supersedes what waited for a device that is wiped meanwhile', () => {
  const object = inSetup([send('InstallProfile')])
  queueOne(object, 'ProfileList')
  enrols(object)
  begin(object, planOf([send('Settings')]))
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured'])
  expect(fates(object)).toMatchObject({ ProfileList: 'superseded' })
})

it('sets up a contested enrolment, and anew the one before if that is the device', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  connect(object)
  enrols(object, true, 'B')
  expect(connect(object, 'Idle', undefined, 'B')).toBeUndefined()
  begin(object, planOf([send('RestartDevice')]))
  expect(connect(object, 'Idle', undefined, 'B')).toMatchObject({ type: 'RestartDevice' })
  showLife(object)
  expect(connect(object)).toBeUndefined()
  begin(object, planOf([send('Settings')]))
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured'])
  expect(runOf(object)).toMatchObject({ run: 3, state: 'released' })
  expect(Object.values(fates(object)).filter((fate) => fate.startsWith('held'))).toEqual([])
})

it('skips a step whose command an admin has cancelled', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  connect(object)
  const [{ entry = 0 } = {}] = runOf(object).steps
  object.commit((context) => cancelCommands(context, channelOf(context, ''), [entry]))
  say(object, report(DEVICE, 'Idle'))
  expect(states(object)).toEqual(['skipped', 'sent'])
})
