import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { newState, outputOf, PROJECT, start, within, type RunningServer } from './server.ts'

let server: RunningServer | undefined

afterEach(async () => {
  await server?.stop()
})

const SERIALS = ['SMLT00000001', 'C02SIM000001']

async function startWithDep(state: string): Promise<RunningServer> {
  const flags = ['--dep-simulator', '--devices', '1']
  server = await start(state, flags, 'Remove a device:')
  await expect.poll(() => server?.output()).toMatch(/Remove a device:\n.+\n/)
  return server
}

/** The line that stands under a heading of what is printed. */
function printed(edge: RunningServer, heading: string): string {
  const lines = edge.output().split('\n')
  return lines[lines.findIndex((line) => line.trim() === `${heading}:`) + 1]?.trim() ?? ''
}

/** Pastes such a line into a shell, in the state directory. */
async function paste(edge: RunningServer, heading: string): Promise<string> {
  const script = ['-euo', 'pipefail', '-c', printed(edge, heading)]
  return (await promisify(execFile)('bash', script, { cwd: edge.state })).stdout
}

async function portalDevices(edge: RunningServer): Promise<Record<string, unknown>[]> {
  return JSON.parse(await paste(edge, 'List devices and their profiles'))
}

interface List {
  devices: { udid: string; serial_number: string; enrollment_status: boolean }[] | null
}

it('with --dep-simulator a person plays Apple’s web site by the printed lines: a device with a profile enrols, is held until it is released, and is there after a restart', async () => {
  const edge = await startWithDep(await newState())
  expect(await paste(edge, 'Upload the certificate of this server')).toContain('is in place')
  await paste(edge, 'Download the token')
  expect(JSON.parse(await paste(edge, 'Import it here'))).toMatchObject({
    server_name: 'Simulated MDM server',
  })
  expect(await paste(edge, 'Add a device')).toBe('1 added to “Simulated MDM server”\n')
  const defined = await edge.api<{ devices: object }>('PUT', '/v1/dep/profiles', {
    profile_name: 'Staff',
    url: `${edge.url}/mdm/enroll?bp=staff`,
    await_device_configured: true,
    devices: SERIALS,
  })
  expect(defined.body.devices).toEqual({ SMLT00000001: 'SUCCESS', C02SIM000001: 'SUCCESS' })

  const [, ...flags] = printed(edge, 'Switch on a device that has a profile').split(' -- ')
  const args = ['src/cli/simulate/simulate.ts', ...flags.join().split(' ')].concat(
    ['--serial', 'C02SIM000001'],
    ['--answer', 'DeviceConfigured=NotNow:1'],
  )
  const second = spawn(process.execPath, args, { cwd: PROJECT, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = outputOf(second)
  try {
    await output.until('1 devices enrolled')
    for (const udid of await enrolledUdids(edge)) {
      const command = { udid, request_type: 'DeviceConfigured' }
      expect((await edge.api('POST', '/v1/commands', command)).status).toBe(201)
    }
    await output.until('C02SIM000001 was released from Setup Assistant; accounts: none; profiles: ')
    expect(output.text()).toMatch(/DeviceConfigured \S+ → NotNow[^]*DeviceConfigured \S+ → Ack/)
    await untilReleased(edge)
  } finally {
    const ended = once(second, 'close')
    second.kill()
    await within(ended, () => output.text())
  }
  await edge.stop()
  const again = await startWithDep(edge.state)
  await untilReleased(again)
  expect(await paste(again, 'Remove a device')).toContain('is assigned to no server any more')
  expect(await portalDevices(again)).toMatchObject([
    { serial_number: 'SMLT00000001', profile_status: 'pushed', profile_name: 'Staff' },
    { serial_number: 'C02SIM000001', profile_status: 'removed', server: null },
  ])
})

async function enrolledUdids(edge: RunningServer): Promise<string[]> {
  const enrolled = async () =>
    ((await edge.api<List>('POST', '/v1/devices', {})).body.devices ?? []).filter(
      (device) => device.enrollment_status && SERIALS.includes(device.serial_number),
    )
  await expect.poll(enrolled).toHaveLength(SERIALS.length)
  return (await enrolled()).map(({ udid }) => udid)
}

async function untilReleased(edge: RunningServer): Promise<void> {
  await expect
    .poll(() => edge.output())
    .toContain('MacBook Pro SMLT00000001 was released from Setup Assistant')
}
