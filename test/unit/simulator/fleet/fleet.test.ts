import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryIn } from '../../../../src/cli/simulate/fleet.ts'
import {
  createFleet,
  type Fleet,
  type FleetOptions,
} from '../../../../src/simulator/fleet/fleet.ts'
import { createIssuer, newKey } from '../../../../src/simulator/device/identity.ts'
import { joinByCA } from '../../../../src/simulator/device/joining.ts'
import type { Session } from '../../../../src/simulator/device/session.ts'
import { createWaker } from '../../../../src/simulator/fleet/waker.ts'
import { command, type FakeServer, startFakeServer } from '../server.ts'

const ca = createIssuer({ commonName: 'Test CA', key: newKey('ec') })

let server: FakeServer
let fleet: Fleet | undefined

beforeEach(async () => {
  server = await startFakeServer()
})

afterEach(async () => {
  await fleet?.close()
  fleet = undefined
  await server.close()
})

async function start(options: Partial<FleetOptions> = {}): Promise<Fleet> {
  fleet = await createFleet({
    count: 3,
    fetch,
    server: server.url,
    join: joinByCA(ca, {
      serverUrl: 'https://mdm.test/mdm/connect',
      checkInUrl: 'https://mdm.test/mdm/checkin',
      topic: 'com.apple.mgmt.External.test',
    }),
    key: newKey('ec'),
    ...options,
  })
  return fleet
}

const kinds = () =>
  server.received.map(({ message }) => message['MessageType'] ?? message['Status'])

describe('a fleet', () => {
  it('enrols devices of several platforms, each of which then polls once', async () => {
    const { devices } = await start({ count: 5 })
    expect(devices.map((device) => device.state())).toEqual(Array(5).fill('enrolled'))
    expect(new Set(devices.map((device) => device.platform)).size).toBe(3)
    expect(new Set(devices.map((device) => device.udid)).size).toBe(5)
    expect(kinds().filter((kind) => kind === 'Idle')).toHaveLength(5)
  })

  it('runs the given release, or a current one', async () => {
    const platforms = ['macOS', 'watchOS'] as const
    const versions = (run: Fleet) => run.devices.map((device) => device.osVersion)
    expect(versions(await start({ count: 2, platforms }))).toEqual(['26.4', '26.4'])
    await fleet?.close()
    expect(versions(await start({ count: 2, platforms, release: '18.1' }))).toEqual([
      '15.1',
      '11.1',
    ])
    await fleet?.close()
    await expect(start({ release: '20.0' })).rejects.toThrow('not a release of iOS 18')
  })

  it('registers token and magic before the server learns them, and polls when woken', async () => {
    const wakes = new Map<string, () => void>()
    const tokensSeen: boolean[] = []
    const { devices } = await start({
      count: 1,
      register(token, magic, wake) {
        tokensSeen.push(kinds().includes('TokenUpdate'))
        wakes.set(`${token} ${magic}`, wake)
      },
    })
    const [device] = devices
    const wake = wakes.get(`${Buffer.from(device?.token ?? []).toString('hex')} ${device?.magic}`)
    expect(tokensSeen).toEqual([false])
    server.replies.push(command('1', 'ProfileList'))
    wake?.()
    await fleet?.close()
    expect(kinds()).toEqual(['Authenticate', 'TokenUpdate', 'Idle', 'Idle', 'Acknowledged'])
  })

  it('names the device that could not enrol, with the server’s answer', async () => {
    server.status = 400
    await expect(start()).rejects.toThrow(/could not enrol: the server answered HTTP 400/)
  })

  it('says that the server cannot be reached', async () => {
    await expect(start({ server: 'http://127.0.0.1:1' })).rejects.toThrow(
      /^cannot reach http:.*1:1/,
    )
  })

  it('repeats a command by itself that a device answered with NotNow', async () => {
    let answers = 0
    server.replies.push(command('1', 'ProfileList'), new Uint8Array(), command('1', 'ProfileList'))
    await start({ count: 1, retryAfter: 5, answer: () => (answers++ === 0 ? 'NotNow' : undefined) })
    await expect.poll(kinds).toContain('Acknowledged')
  })
})

describe('the fleet of npm start', () => {
  it('goes on with the same devices after a restart', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'edgemdm-fleet-'))
    const registered: string[] = []
    const options = {
      count: 2,
      register: (token: string, magic: string) => void registered.push(token + magic),
    }
    try {
      await (await start({ ...options, ...memoryIn(stateDir) })).close()
      expect(statSync(join(stateDir, 'device-0.json')).mode & 0o777).toBe(0o600)
      const first = server.received.splice(0)
      await (await start({ ...options, ...memoryIn(stateDir) })).close()
      expect(kinds()).toEqual(['Idle', 'Idle'])
      const udids = (list: typeof first) => new Set(list.map(({ message }) => message['UDID']))
      expect(udids(server.received)).toEqual(udids(first))
      expect(registered.slice(2).sort()).toEqual(registered.slice(0, 2).sort())
    } finally {
      rmSync(stateDir, { recursive: true })
    }
  })

  it('goes on with declarations after a restart', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'edgemdm-fleet-'))
    const endpoints = () => server.received.flatMap(({ message }) => message['Endpoint'] ?? [])
    try {
      server.replies.push(command('1', 'DeclarativeManagement'))
      await (await start({ count: 1, ...memoryIn(stateDir) })).close()
      expect(endpoints()).toEqual(['tokens'])
      await (await start({ count: 1, ...memoryIn(stateDir) })).close()
      expect(endpoints()).toEqual(['tokens', 'tokens'])
    } finally {
      rmSync(stateDir, { recursive: true })
    }
  })

  it('keeps the OS of its devices; those without one are from before the OS was stored', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'edgemdm-fleet-'))
    const versions = async (release: string, count: number) => {
      const { devices } = await start({ count, release, ...memoryIn(stateDir) })
      await fleet?.close()
      return devices.map(({ platform, osVersion }) => `${platform} ${osVersion}`)
    }
    try {
      expect(await versions('27.0', 1)).toEqual(['macOS 27.0'])
      expect(await versions('26.1', 2)).toEqual(['macOS 27.0', 'iOS 26.1'])
      const file = join(stateDir, 'device-0.json')
      const { osVersion: _, ...older } = JSON.parse(readFileSync(file, 'utf8'))
      writeFileSync(file, JSON.stringify(older))
      expect(await versions('27.0', 2)).toEqual(['macOS 15.1', 'iOS 26.1'])
    } finally {
      rmSync(stateDir, { recursive: true })
    }
  })
})

describe('a waker', () => {
  it('turns all wakes during a session into one more after it', async () => {
    const ends: ((session: Session) => void)[] = []
    const waker = createWaker({
      poll: () => new Promise((resolve) => ends.push(resolve)),
      sessionEnded: () => undefined,
      retryAfter: 1000,
    })
    const done = waker.wake()
    void waker.wake()
    void waker.wake()
    const session = { ended: 'empty', answered: 0, lastStatus: 'Idle' } as const
    ends[0]?.(session)
    await expect.poll(() => ends.length).toBeGreaterThanOrEqual(2)
    for (const end of ends.slice(1)) {
      end(session)
    }
    await done
    expect(ends).toHaveLength(2)
  })
})
