import { beforeEach, expect, it } from 'vitest'
import {
  type DeclarativeServer,
  declarativeServer,
  deviceAt,
  subscribe,
  SUBSCRIPTIONS,
  TEST,
} from './server.ts'

const ENFORCEMENT = 'com.apple.configuration.softwareupdate.enforcement.specific'
const target = (version: string, date = '2026-12-10T19:00:00') => ({
  TargetOSVersion: version,
  TargetLocalDateTime: date,
})

let server: DeclarativeServer

beforeEach(() => {
  server = declarativeServer()
})

async function poll(device: ReturnType<typeof deviceAt>) {
  server.notify()
  expect(await device.poll()).toMatchObject({ ended: 'empty' })
}

const last = () => server.reports.at(-1) as { StatusItems: Record<string, unknown> }

it('the first report has the capabilities and the subscribed items, each nested by its dots', async () => {
  server.putActive('subs', SUBSCRIPTIONS, subscribe('device.operating-system.version'))
  server.putActive(
    'more',
    SUBSCRIPTIONS,
    subscribe('device.model.family', 'softwareupdate.install-state'),
  )
  await poll(deviceAt(server))
  expect(last().StatusItems).toMatchObject({
    device: { 'operating-system': { version: '26.1' }, model: { family: 'Mac' } },
    softwareupdate: { 'install-state': 'none' },
    management: {
      'client-capabilities': {
        'supported-versions': ['1.0.0'],
        'supported-payloads': {
          declarations: { activations: ['com.apple.activation.simple'] },
          'status-items': expect.arrayContaining([
            'device.operating-system.version',
            'management.declarations',
          ]),
        },
      },
    },
  })
  expect(last().StatusItems['device']).not.toHaveProperty('identifier')
})

it('a subscription that begins again reports its items again', async () => {
  server.putActive('subs', SUBSCRIPTIONS, subscribe('device.model.family'))
  const device = deviceAt(server)
  await poll(device)
  server.put('other', TEST, { Echo: 'a' })
  await poll(device)
  expect(last().StatusItems).not.toHaveProperty('device')
  server.put('subs', SUBSCRIPTIONS, subscribe('device.model.family'))
  await poll(device)
  expect(last().StatusItems).toMatchObject({ device: { model: { family: 'Mac' } } })
})

it('a User Enrollment reports neither serial number nor UDID', async () => {
  const names = ['device.identifier.serial-number', 'device.identifier.udid']
  server.putActive('subs', SUBSCRIPTIONS, subscribe(...names))
  await poll(deviceAt(server, { userEnrollment: { enrollmentId: 'E' } }))
  expect(last()).toMatchObject({ Errors: names.map((StatusItem) => ({ StatusItem })) })
  expect(JSON.stringify(last())).not.toContain('C02AB0CDEFGH')
})

it('an enforced update goes its way step by step, and the OS is new at its end', async () => {
  const items = ['install-state', 'install-reason', 'pending-version', 'failure-reason']
  const names = items.map((name) => `softwareupdate.${name}`)
  server.putActive('subs', SUBSCRIPTIONS, subscribe('device.operating-system.version', ...names))
  server.putActive('late', ENFORCEMENT, target('26.3', '2026-12-20T19:00:00'))
  server.putActive('os', ENFORCEMENT, target('26.2'))
  const device = deviceAt(server, { clock: () => new Date('2026-12-10T18:03:11.500Z') })
  await poll(device)
  expect(last().StatusItems).toMatchObject({
    softwareupdate: {
      'install-state': 'none',
      'pending-version': {
        'os-version': '26.2',
        'build-version': '25C83',
        'target-local-date-time': '2026-12-10T19:00:00',
      },
    },
  })
  expect(await device.declarative.stepUpdate()).toBe('downloading')
  expect(last().StatusItems).toEqual({
    softwareupdate: {
      'install-state': 'downloading',
      'install-reason': { reason: ['declaration'], 'declaration-id': 'os' },
    },
  })
  expect(await device.declarative.stepUpdate('not enough space')).toBe('failed')
  expect(last().StatusItems).toEqual({
    softwareupdate: {
      'install-state': 'failed',
      'failure-reason': { count: 1, reason: 'not enough space', timestamp: '2026-12-10T18:03:11Z' },
    },
  })
  expect(await device.declarative.stepUpdate()).toBe('downloading')
  expect(await device.declarative.stepUpdate()).toBe('prepared')
  expect(await device.declarative.stepUpdate()).toBe('installing')
  server.took()
  expect(await device.declarative.stepUpdate()).toBe('none')
  expect(server.took()).toEqual(['status', 'tokens'])
  expect(device.osVersion).toBe('26.2')
  expect(last().StatusItems).toMatchObject({
    device: { 'operating-system': { version: '26.2' } },
    softwareupdate: {
      'install-state': 'none',
      'pending-version': { 'os-version': '26.3' },
      'failure-reason': { count: 0 },
    },
    management: {
      'client-capabilities': {},
      declarations: {
        configurations: [
          {
            identifier: 'os',
            valid: 'invalid',
            reasons: [
              {
                code: 'Error.ConfigurationIsInvalid',
                details: { Error: '26.2 is not newer than 26.2' },
              },
            ],
          },
        ],
      },
    },
  })
})

it.each([
  ['26.1', 'invalid'],
  ['26.0.1', 'invalid'],
  ['soon', 'invalid'],
  ['26.1.1', 'valid'],
])('an update to %s of a device with 26.1 is %s', async (version, valid) => {
  server.putActive('os', ENFORCEMENT, target(version))
  const device = deviceAt(server)
  await poll(device)
  expect(device.declarative.states.find(({ identifier }) => identifier === 'os')?.valid).toBe(valid)
  expect(await device.declarative.stepUpdate()).toBe(valid === 'valid' ? 'downloading' : 'none')
})

it('an update that is no longer declared ends', async () => {
  server.putActive('os', ENFORCEMENT, target('26.2'))
  const device = deviceAt(server)
  await poll(device)
  await device.declarative.stepUpdate()
  server.remove('os')
  server.remove('os.on')
  await poll(device)
  expect(await device.declarative.stepUpdate()).toBe('none')
})
