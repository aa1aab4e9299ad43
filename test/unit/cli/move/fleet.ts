/** A small fleet, as the reader of MicroMDM's file hands it over. */
import { generateKeyPairSync } from 'node:crypto'
import type { Plan, Repository } from '../../../../src/cli/move/plan.ts'
import { planOfFleet } from '../../../../src/cli/move/plan.ts'
import type { MicroMdmFleet } from '../../../../src/migration/micromdm/fleet.ts'
import type { MovedCommand, MovedDevice } from '../../../../src/migration/moved.ts'
import { createAuthority } from '../../../../src/pki/x509/authority.ts'
import { writePlist } from '../../../../src/plist/write.ts'

export const NOW = Date.parse('2026-11-29T00:00:00Z')
export const TOPIC = 'com.apple.mgmt.External.test'

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

export function command(uuid: string, requestType: string, queuedAt = 0): MovedCommand {
  const payload = writePlist({ Command: { RequestType: requestType }, CommandUUID: uuid })
  return { uuid, payload: base64(payload), queuedAt, notNow: false }
}

export function device(id: string, more: Partial<MovedDevice> = {}): MovedDevice {
  return {
    id,
    type: 'Device',
    source: 'micromdm',
    state: 'enrolled',
    facts: { SerialNumber: `S-${id}` },
    blocked: false,
    channels: [
      { user: '', token: base64(new Uint8Array(32)), magic: 'M', topic: TOPIC, commands: [] },
    ],
    bindings: [{ fingerprint: 'a'.repeat(64) }],
    ...more,
  }
}

/** One channel with these commands. */
export function queue(...commands: readonly MovedCommand[]): Pick<MovedDevice, 'channels'> {
  return { channels: [{ user: '', token: '', magic: '', topic: '', commands }] }
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const authority = createAuthority(privateKey, NOW)

export function fleetOf(
  devices: readonly MovedDevice[],
  more: Partial<MicroMdmFleet> = {},
): MicroMdmFleet {
  return {
    devices,
    authority: {
      certificate: base64(authority.certificate.der),
      key: base64(privateKey.export({ type: 'pkcs1', format: 'der' })),
      nextSerial: 7,
    },
    certificates: [base64(authority.certificate.der)],
    profiles: [],
    challenges: [],
    setupUsers: [],
    blueprints: [],
    depAccounts: [],
    kept: [],
    odd: [],
    counts: {
      buckets: {},
      devices: devices.length,
      userChannels: 0,
      commands: 0,
      completed: 0,
      failed: 0,
    },
    ...more,
  }
}

export function planOf(
  devices: readonly MovedDevice[],
  more: Partial<MicroMdmFleet> = {},
  repository?: Repository,
): Plan {
  const copy = { name: 'micromdm.db', bytes: Buffer.from('bytes of the file') }
  return planOfFleet(copy, fleetOf(devices, more), repository)
}
