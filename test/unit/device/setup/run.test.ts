import { expect, it } from 'vitest'
import { takeSetupTurn } from '../../../../src/device/setup/begin.ts'
import { queueWithSetup } from '../../../../src/device/setup/queued.ts'
import { readEscrow } from '../../../../src/device/store/escrow/tokens.ts'
import { releaseHeld } from '../../../../src/device/queue/held.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { TestObject } from '../object.ts'
import { checkIn, DEVICE, queue, say, tokenUpdate } from '../say.ts'
import {
  begin,
  connect,
  connectWith,
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

const payloadOf = (RequestType: string, CommandUUID = RequestType) =>
  writePlist({ Command: { RequestType }, CommandUUID })

const FIVE = [
  'InstallProfile',
  'InstallApplication',
  'Settings',
  'DeviceInformation',
  'RestartDevice',
]

it('hands out the steps in their order, and DeviceConfigured last', () => {
  const object = inSetup(FIVE.map((type) => send(type)))
  expect(walk(object)).toEqual([...FIVE, 'DeviceConfigured'])
  expect(runOf(object)).toMatchObject({ state: 'released' })
  expect(states(object)).toEqual(FIVE.map(() => 'done'))
  expect(told(object)).toEqual(['setup.started', 'setup.released'])
  expect(walk(object)).toEqual([])
})

it('gives a waiting device nothing before the blueprints are read', () => {
  const object = new TestObject()
  enrols(object)
  expect(connect(object)).toBeUndefined()
  object.evict()
  expect(connect(object)).toBeUndefined()
  object.now += 61_000
  expect(ring(object).due.announcement).toMatchObject({ setup: true })
  begin(object, planOf([send('Settings')]))
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured'])
})

it('releases a device that answers NotNow for ever, at the time limit', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')], { timeLimitMs: 600_000 })
  const notNow = () => connect(object, 'NotNow', connect(object)?.uuid)
  expect(notNow()).toBeUndefined()
  object.now += 61_000
  ring(object)
  expect(connect(object)).toMatchObject({ type: 'Settings' })
  notNow()
  object.now += 61_000
  ring(object)
  const released = connect(object)
  expect(released).toMatchObject({ type: 'DeviceConfigured' })
  expect(states(object)).toEqual(['timed_out', 'timed_out'])
  // What was not done waits as an ordinary command.
  expect(connect(object, 'Acknowledged', released?.uuid)).toMatchObject({ type: 'InstallProfile' })
})

it('releases a silent device at the time limit, whatever it has not answered', () => {
  const object = inSetup([send('InstallProfile', { timeoutMs: 3_600_000 }), send('Settings')], {
    timeLimitMs: 600_000,
  })
  expect(connect(object)).toMatchObject({ type: 'InstallProfile' })
  object.now += 601_000
  ring(object)
  expect(connect(object)).toMatchObject({ type: 'DeviceConfigured' })
  expect(told(object)).toContain('setup.timed_out')
})

it('counts an answer that comes after the time of its step', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  const given = connect(object)
  object.now += 61_000
  ring(object)
  expect(states(object)).toEqual(['timed_out', 'sent'])
  expect(connect(object, 'Acknowledged', given?.uuid)).toMatchObject({ type: 'Settings' })
  expect(states(object)).toEqual(['done', 'sent'])
})

it('goes on after an error, and says what the device answered', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  expect(walk(object, ({ type }) => (type === 'Settings' ? 'Acknowledged' : 'Error'))).toEqual([
    'InstallProfile',
    'Settings',
    'DeviceConfigured',
  ])
  expect(states(object)).toEqual(['failed', 'done'])
  expect(runOf(object).steps[0]?.note).not.toBe('')
  expect(told(object)).toContain('setup.step')
})

it('holds a device if a required step failed, until an admin releases it', () => {
  const object = inSetup([send('InstallProfile', { required: true })], {
    release: 'if_required_ok',
  })
  expect(walk(object, () => 'Error')).toEqual(['InstallProfile'])
  expect(runOf(object).state).toBe('held')
  expect(told(object)).toContain('setup.held')
  object.now += 10_000_000
  ring(object)
  expect(connect(object)).toBeUndefined()
  expect(steer(object, { kind: 'release' })).toMatchObject({ kind: 'run' })
  expect(walk(object)).toEqual(['DeviceConfigured'])
})

it('releases a device of the policy `manual` only when an admin does', () => {
  const object = inSetup([send('Settings')], { release: 'manual' })
  expect(walk(object)).toEqual(['Settings'])
  steer(object, { kind: 'release' })
  expect(walk(object)).toEqual(['DeviceConfigured'])
})

it('gives a device that does not wait no account and no release', () => {
  const object = inSetup(
    [send('AccountConfiguration', { awaitingOnly: true }), send('InstallProfile')],
    { awaiting: false },
  )
  expect(walk(object)).toEqual(['InstallProfile'])
  expect(runOf(object)).toMatchObject({ state: 'finished' })
  expect(states(object)).toEqual(['skipped', 'done'])
  expect(walk(object)).toEqual([])
})

it('lets other commands wait for the end, but for those that protect the device', () => {
  const object = inSetup([send('Settings')])
  queue(object, 'ProfileList', 'ProfileList', { payload: payloadOf('ProfileList') })
  queue(object, 'EraseDevice', 'EraseDevice', { payload: payloadOf('EraseDevice') })
  expect(walk(object)).toEqual(['Settings', 'EraseDevice', 'DeviceConfigured', 'ProfileList'])
})

it('lets commands wait that were queued before the device enrolled', () => {
  const object = new TestObject()
  queue(object, 'ProfileList', 'ProfileList', { payload: payloadOf('ProfileList') })
  enrols(object)
  begin(object, planOf([send('Settings')]))
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured', 'ProfileList'])
})

it('takes a DeviceConfigured of an admin as the release, and sends no second one', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  connect(object)
  const requestType = 'DeviceConfigured'
  const payload = payloadOf(requestType, 'own')
  const own = { uuid: 'own', requestType, payload, secret: false, source: '' }
  object.commit((context) => queueWithSetup(context, '', own, undefined))
  const types = walk(object)
  expect(types.filter((type) => type === 'DeviceConfigured')).toHaveLength(1)
  expect(types[0]).toBe('DeviceConfigured')
  expect(types).toContain('Settings')
  expect(runOf(object).state).toBe('released')
})

it('releases no device from a release of all held commands', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  object.commit((context) => releaseHeld(context, channelOf(context, ''), undefined))
  expect(walk(object)).toEqual(['InstallProfile', 'Settings', 'DeviceConfigured'])
})

it('begins anew when the device enrols again, and nothing is left of the run before', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  connect(object)
  enrols(object, true)
  expect(connect(object)).toBeUndefined()
  begin(object, planOf([send('RestartDevice')]))
  expect(walk(object)).toEqual(['RestartDevice', 'DeviceConfigured'])
})

it('goes on when the device repeats its TokenUpdate', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  const given = connect(object)
  say(object, tokenUpdate(DEVICE, { awaitingConfiguration: true }), 'A', { setup: true })
  expect(connect(object, 'Acknowledged', given?.uuid)).toMatchObject({ type: 'Settings' })
  expect(runOf(object).run).toBe(1)
})

it('begins nothing with the TokenUpdate of a new push token', () => {
  const object = inSetup([send('Settings')])
  walk(object)
  object.now += 7 * 86_400_000
  say(object, tokenUpdate(DEVICE), 'A', { setup: true })
  expect(runOf(object).run).toBe(1)
  expect(walk(object)).toEqual([])
})

it('ends with the CheckOut of the device', () => {
  const object = inSetup([send('Settings')])
  say(object, checkIn('CheckOut'))
  expect(runOf(object).state).toBe('superseded')
})

it('says that no blueprint is for a device, and releases it only if the server is set so', () => {
  const object = new TestObject('UDID-1', { keepEvents: { count: 100, ms: 86_400_000 } })
  enrols(object)
  begin(object, undefined)
  expect(walk(object)).toEqual([])
  expect(told(object)).toEqual(['setup.none'])
  const released = new TestObject('UDID-1', { autoDeviceConfigured: true })
  enrols(released)
  begin(released, undefined)
  expect(walk(released)).toEqual(['DeviceConfigured'])
})

it('waits for an app until the device lists it', () => {
  const wait = { kind: 'installed', identifier: 'com.example.app' } as const
  const object = inSetup([send('InstallApplication', { wait, timeoutMs: 300_000 })])
  const given = connect(object)
  const asked = connect(object, 'Acknowledged', given?.uuid)
  expect(asked).toMatchObject({ type: 'InstalledApplicationList' })
  const list = (apps: { Identifier: string; Installing: boolean }[]) =>
    writePlist({ InstalledApplicationList: apps })
  const half = list([{ Identifier: 'com.example.app', Installing: true }])
  expect(connectWith(object, asked?.uuid ?? '', half)).toBeUndefined()
  expect(runOf(object).steps[0]?.note).toBe('the device does not list com.example.app yet')
  object.now += 10_000
  const again = connect(object)
  expect(again).toMatchObject({ type: 'InstalledApplicationList' })
  const whole = list([{ Identifier: 'com.example.app', Installing: false }])
  expect(connectWith(object, again?.uuid ?? '', whole)).toMatchObject({ type: 'DeviceConfigured' })
})

it('waits for a signal', () => {
  const object = inSetup([step('hold', '', { wait: { kind: 'signal' } }), send('Settings')])
  expect(connect(object)).toBeUndefined()
  expect(steer(object, { kind: 'signal' })).toMatchObject({ kind: 'run' })
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured'])
  expect(steer(object, { kind: 'signal' })).toMatchObject({ kind: 'refused' })
})

it('says how a device is released that waits without a blueprint', () => {
  const object = new TestObject('UDID-1')
  enrols(object)
  begin(object, undefined)
  const refused = steer(object, { kind: 'release' })
  expect(refused).toMatchObject({ error: expect.stringContaining('DeviceConfigured') })
})

it('skips a step for an admin: its command never goes out', () => {
  const object = inSetup([send('InstallProfile'), send('Settings')])
  steer(object, { kind: 'skip', step: 0 })
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured'])
})

it('fails a step that cannot run, and goes on', () => {
  const object = inSetup([
    step('profile', 'com.gone', { fault: 'it was deleted' }),
    send('Settings'),
  ])
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured'])
  expect(runOf(object).steps[0]).toMatchObject({ state: 'failed', note: 'it was deleted' })
})

it('keeps the password that was made for the device for admins', () => {
  const account = send('AccountConfiguration', { awaitingOnly: true })
  const withPassword = account.command && { ...account.command, password: 'correct horse' }
  const object = inSetup([{ ...account, ...(withPassword && { command: withPassword }) }])
  const reader = { who: 'ada', address: '', reason: 'repair' }
  const answer = object.commit((context) =>
    readEscrow(context, 'admin_password', undefined, reader),
  )
  expect(answer.found && new TextDecoder().decode(answer.value)).toBe('correct horse')
})

it('runs on with what it had after its memory is gone', () => {
  const object = inSetup(FIVE.map((type) => send(type)))
  const types: string[] = []
  for (let given = connect(object); given;) {
    types.push(given.type)
    object.evict()
    given = connect(object, 'Acknowledged', given.uuid)
  }
  expect(types).toEqual([...FIVE, 'DeviceConfigured'])
})

it('begins again for an admin, with the blueprints of now', () => {
  const object = inSetup([send('InstallProfile')])
  connect(object)
  expect(steer(object, { kind: 'restart', origin: 'https://mdm.example.com' })).toMatchObject({
    kind: 'due',
  })
  begin(object, planOf([send('Settings')]))
  expect(walk(object)).toEqual(['Settings', 'DeviceConfigured'])
})

it('lets a device cause few readings of the blueprints in a row', () => {
  const object = new TestObject()
  const asked = Array.from({ length: 30 }, () => {
    enrols(object)
    return object.commit(takeSetupTurn) !== undefined
  })
  expect(asked.filter(Boolean).length).toBeLessThan(10)
  object.now += 120_000
  expect(object.commit(takeSetupTurn)).toBeDefined()
})
