import { runDurableObjectAlarm } from 'cloudflare:test'
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { MovedDevice } from '../../src/migration/moved.ts'
import { writePlist } from '../../src/plist/write.ts'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { createIdentity, createIssuer, type Issuer } from '../../src/simulator/device/identity.ts'
import type { SimulatedDevice } from '../../src/simulator/device/device.ts'
import { clock } from './clock.ts'
import { api, env, newDevice, TOPIC, until } from './server.ts'

/** The CA of the other server. */
export const otherCA = createIssuer({ commonName: 'MicroMDM CA', now: new Date(clock.now()) })

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** A device that enrolled with the other server. */
export function deviceThere(options: Parameters<typeof newDevice>[0] = {}): SimulatedDevice {
  const identity = createIdentity({
    ca: otherCA,
    commonName: 'MicroMDM Identity',
    kind: 'ec',
    now: new Date(clock.now()),
  })
  return newDevice({ identity, state: 'enrolled', ...options })
}

export function fingerprintOf(device: SimulatedDevice): string {
  return readCertificate(device.identity().certificate).fingerprint
}

/** What the other server's file has about it. */
export function recordOf(
  device: SimulatedDevice,
  more: Partial<MovedDevice> & { readonly commands?: readonly Uint8Array[] } = {},
): MovedDevice {
  const { commands = [], ...fields } = more
  return {
    id: device.enrollmentId,
    type: 'Device',
    source: 'micromdm',
    state: 'enrolled',
    facts: { SerialNumber: device.serial, OSVersion: device.osVersion },
    channels: [
      {
        user: '',
        token: base64(device.token),
        magic: device.magic,
        topic: TOPIC,
        commands: commands.map((payload, n) => ({
          uuid: `CMD-${n}`,
          payload: base64(payload),
          queuedAt: 0,
          notNow: false,
        })),
      },
    ],
    bindings: [
      { fingerprint: fingerprintOf(device), certificate: base64(device.identity().certificate) },
    ],
    ...fields,
  }
}

export function command(n: number, requestType: string, fields = {}): Uint8Array {
  return writePlist({ Command: { RequestType: requestType, ...fields }, CommandUUID: `CMD-${n}` })
}

export function authorityOf({ certificate, privateKey }: Issuer, nextSerial = 77) {
  const key = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }))
  const record = { certificate: base64(certificate.der), key: base64(key), nextSerial }
  return {
    kind: 'authority',
    id: certificate.keyId,
    data: Buffer.from(JSON.stringify(record)).toString('base64'),
  }
}

export const authorityItem = authorityOf(otherCA)

export const deviceItem = (record: MovedDevice) => ({
  kind: 'device',
  id: record.id,
  data: Buffer.from(JSON.stringify(record)).toString('base64'),
})

export interface MoveBody {
  id: string
  state: string
  devices: Record<string, number>
  items: Record<string, number>
  checks: { name: string; ok: boolean; detail: string }[]
}

let copies = 0

/** Stores items in a new move, which stays open. */
export async function staged(items: readonly object[]): Promise<string> {
  const digest = createHash('sha256').update(`copy ${++copies}`).digest('hex')
  const { status, body } = await api<MoveBody>('POST', '/api/moves', {
    source: 'micromdm',
    name: 'micromdm.db',
    digest,
  })
  expect(status).toBe(200)
  const put = await api('PUT', `/api/moves/${body.id}/items`, { items })
  expect(put).toMatchObject({ status: 200, body: { stored: items.length } })
  return body.id
}

/** Lets the activation that is under way end, if there is one. */
export async function settled(): Promise<void> {
  await until(
    async () => {
      await runDurableObjectAlarm(env.JOB.getByName('move'))
      return (await api<{ items: MoveBody[] }>('GET', '/api/moves')).body.items
    },
    (moves) => moves.every(({ state }) => state !== 'activating'),
  )
}

/** Activates a move, and lets its job run to the end. */
export async function activated(id: string, options: object = {}): Promise<MoveBody> {
  const { status } = await api('POST', `/api/moves/${id}/activate`, options)
  expect(status).toBe(202)
  return until(
    async () => {
      await runDurableObjectAlarm(env.JOB.getByName('move'))
      return (await api<MoveBody>('GET', `/api/moves/${id}`)).body
    },
    ({ state }) => state === 'active',
  )
}

/** The records of devices here, with the CA of their certificates. */
export async function moved(...records: readonly MovedDevice[]): Promise<MoveBody> {
  return activated(await staged([authorityItem, ...records.map(deviceItem)]))
}
