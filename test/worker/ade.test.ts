import { beforeAll, expect, it } from 'vitest'
import { walkThroughSetup } from '../../src/simulator/device/desktop.ts'
import { createSimulatedDep, type SimulatedDep } from '../../src/simulator/dep/dep.ts'
import { enrolByDep, installIssuingCa, newDep } from './ade-tools.ts'
import { api } from './server.ts'

beforeAll(installIssuingCa)

/** A service with one device that has a profile, as if an admin had defined and assigned it. */
function depWith(serial: string, profile: object): SimulatedDep {
  const dep = newDep()
  dep.add({ serial_number: serial })
  dep.state.profiles['P'] = {
    uuid: 'P',
    server: dep.server().uuid,
    json: { profile_name: 'Staff', url: 'http://mdm.test/mdm/enroll?bp=staff', ...profile },
  }
  Object.assign(dep.state.devices[serial] ?? {}, { profile: { uuid: 'P', status: 'assigned' } })
  return dep
}

it('a device of Apple’s service enrols by the URL of its profile, is held, and leaves Setup Assistant by DeviceConfigured', async () => {
  const dep = depWith('ADE00001', { await_device_configured: true })
  const mac = await enrolByDep(dep, 'ADE00001')
  expect(dep.state.devices['ADE00001']?.profile.status).toBe('pushed')
  expect(mac.enrollmentProfile()?.serverUrl).toContain('bp=staff')
  expect((await mac.poll()).ended).toBe('empty')
  expect(mac.setup().phase).toBe('awaiting')
  const { status } = await api('POST', '/v1/commands', {
    udid: mac.udid,
    request_type: 'DeviceConfigured',
  })
  expect(status).toBe(201)
  const desktop = await walkThroughSetup(mac, { wait: async () => undefined })
  expect(desktop).toMatchObject({
    phase: 'released',
    profiles: [mac.enrollmentProfile()?.identifier],
  })
})

it('a device without await_device_configured is never held', async () => {
  const pad = await enrolByDep(depWith('ADE00002', {}), 'ADE00002', { platform: 'iPadOS' })
  expect([pad.state(), pad.setup().phase]).toEqual(['enrolled', 'none'])
})

it('a device whose certificate comes from another CA cannot enrol', async () => {
  const stranger = createSimulatedDep({ state: depWith('ADE00003', {}).state })
  await expect(enrolByDep(stranger, 'ADE00003')).rejects.toThrow('no enrolment profile: HTTP 400')
})
