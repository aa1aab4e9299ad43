/** Enrolments that only look like something else. */
import { expect, it } from 'vitest'
import { appendCommand } from '../../../../src/device/queue/enqueue.ts'
import { hide } from '../../../../src/device/standing/leave.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { MDM_PROFILE } from '../enrolled.ts'
import { authenticateAs, DEVICE, idle, queue, say, tokenUpdate } from '../say.ts'
import { begin, enrols, inSetup, planOf, runOf, send, walk } from './setup.ts'

/** Wiped, with a key of its own again: its challenge was bound to the device. */
function isSetUpAgain(object: ReturnType<typeof inSetup>, who: string): void {
  const claim = { bound: { udid: true, serial: true } } as const
  say(object, authenticateAs('SERIAL'), who, claim)
  say(object, tokenUpdate(DEVICE, { awaitingConfiguration: true }), who, { setup: true })
}

it('runs again for a device that is wiped without a CheckOut', () => {
  const object = inSetup([send('Settings')])
  walk(object)
  isSetUpAgain(object, 'B')
  begin(object, planOf([send('InstallProfile')]))
  expect(walk(object, undefined, 'B')).toEqual(['InstallProfile', 'DeviceConfigured'])
})

it('runs for a device whose record an admin has deleted', () => {
  const object = inSetup([send('Settings')])
  walk(object)
  object.commit(hide)
  isSetUpAgain(object, 'B')
  begin(object, planOf([send('InstallProfile')]))
  expect(walk(object, undefined, 'B')).toEqual(['InstallProfile', 'DeviceConfigured'])
})

it('runs for a device that is set up again while the renewal of its identity is open', () => {
  const object = inSetup([send('Settings')])
  walk(object)
  queue(object, 'renewal', 'InstallProfile', { payload: MDM_PROFILE })
  say(object, idle(DEVICE))
  say(object, authenticateAs('SERIAL'), 'B')
  say(object, tokenUpdate(DEVICE, { awaitingConfiguration: true }), 'B', { setup: true })
  begin(object, planOf([send('InstallProfile')]))
  expect(runOf(object)).toMatchObject({ run: 2, awaiting: true })
  expect(walk(object, undefined, 'B')).toEqual(['InstallProfile', 'DeviceConfigured'])
})

it('cancels what the setup before had queued when the device enrols again', () => {
  const object = inSetup([send('Settings'), send('RestartDevice')])
  object.commit((context) =>
    appendCommand(context, channelOf(context, ''), {
      uuid: 'later',
      requestType: 'ProfileList',
      payload: MDM_PROFILE,
      secret: false,
      source: '',
    }),
  )
  enrols(object, true, 'A')
  begin(object, planOf([send('InstallProfile')]))
  expect(walk(object)).toEqual(['InstallProfile', 'DeviceConfigured'])
})
