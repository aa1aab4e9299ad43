import { z } from '../zod.ts'
import { Buffer } from 'node:buffer'
import { faultOfDeviceId, faultOfId, enrollmentId } from '../../../mdm/enrollment.ts'
import { isPushMagic, isPushToken, isPushTopic } from '../../../mdm/push-values.ts'
import type { MovedDevice } from '../../../migration/moved.ts'
import { MOST } from '../../../migration/records.ts'
import { readCertificate } from '../../../pki/x509/certificate.ts'
import { DerError } from '../../../pki/asn1/der.ts'

/** A device's record as the API takes it. A bad one is refused as a whole: nothing of it is guessed. */

const bytes = z.base64()
const FINGERPRINT = /^[0-9a-f]{64}$/
/** As in a message of a device. */
const MAX_TOKEN = 500_000
const MAX_TEXT = 256

const binding = z.strictObject({
  fingerprint: z.string().regex(FINGERPRINT),
  certificate: bytes.optional(),
})
const command = z.strictObject({
  uuid: z.string().min(1).max(10_000),
  payload: bytes,
  queuedAt: z.int().min(0),
  notNow: z.boolean(),
})
const channel = z.strictObject({
  user: z.string(),
  isSharedIPad: z.boolean().optional(),
  token: bytes,
  magic: z.string(),
  topic: z.string(),
  awaitingConfiguration: z.boolean().optional(),
  commands: z.array(command).max(MOST.commands).optional(),
})
const fact = z.string().max(MAX_TEXT).optional()

export const movedDevice = z.strictObject({
  id: z.string(),
  type: z.enum(['Device', 'User Enrollment (Device)']),
  source: z.enum(['micromdm', 'nanomdm']),
  state: z.enum(['authenticated', 'enrolled', 'checked_out', 'retired']).optional(),
  facts: z
    .strictObject({
      SerialNumber: fact,
      DeviceName: fact,
      Model: fact,
      ModelName: fact,
      ProductName: fact,
      OSVersion: fact,
      BuildVersion: fact,
      IMEI: fact,
      MEID: fact,
    })
    .optional(),
  blocked: z.boolean().optional(),
  lastSeen: z.int().min(0).optional(),
  channels: z.array(channel).max(MOST.channels),
  unlockToken: bytes.max(MAX_TOKEN).optional(),
  bootstrapToken: bytes.max(MAX_TOKEN).optional(),
  bindings: z.array(binding).max(MOST.bindings).optional(),
})

/** An example. */
export const RECORD: MovedDevice = {
  id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  type: 'Device',
  source: 'micromdm',
  state: 'enrolled',
  facts: { SerialNumber: 'C02EXAMPLE' },
  channels: [
    {
      user: '',
      token: Buffer.alloc(32, 1).toString('base64'),
      magic: '6B1F9B0D-93D5-4E43-8B7C-2E4B8D1A6C11',
      topic: 'com.apple.mgmt.External.0c1f2d3e-4a5b-6c7d-8e9f-a0b1c2d3e4f5',
    },
  ],
  bindings: [],
}

export type ReadRecord = z.output<typeof movedDevice>

/** Why a record is no device's; `undefined` if it is. */
export function faultOfRecord({ id, channels, bindings = [] }: ReadRecord): string | undefined {
  return (
    faultOfDeviceId(id) ??
    channels.map((one) => faultOfChannel(id, one)).find((fault) => fault !== undefined) ??
    bindings
      .map(
        ({ fingerprint, certificate }) => certificate && faultOfBinding(fingerprint, certificate),
      )
      .find((fault) => fault !== undefined)
  )
}

function faultOfChannel(
  id: string,
  { user, token, magic, topic }: z.output<typeof channel>,
): string | undefined {
  const fault = user === '' ? undefined : faultOfId(enrollmentId(id, user))
  if (fault !== undefined || token === '') {
    return fault
  }
  // MicroMDM's record of a device has no topic: that of the push certificate counts then.
  const isFit = isPushToken(new Uint8Array(Buffer.from(token, 'base64'))) && isPushMagic(magic)
  return isFit && (topic === '' || isPushTopic(topic))
    ? undefined
    : 'its token, magic or topic cannot be pushed'
}

function faultOfBinding(fingerprint: string, certificate: string): string | undefined {
  const read = readDer(new Uint8Array(Buffer.from(certificate, 'base64')))
  return read?.fingerprint === fingerprint ? undefined : 'its certificate has another fingerprint'
}

/** A certificate, or nothing if the bytes are none. */
export function readDer(der: Uint8Array) {
  try {
    return readCertificate(der)
  } catch (error) {
    if (error instanceof DerError) {
      return undefined
    }
    throw error
  }
}

/** The JSON in bytes; undefined if they are none. */
export function jsonIn(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data))
  } catch {
    return undefined
  }
}
