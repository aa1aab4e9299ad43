/** Requests of devices, and of those that want to be one. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { signAttached, signDetached } from '../../../src/pki/cms/sign.ts'
import { printableString } from '../../../src/pki/asn1/der-write.ts'
import { writeEnvelope } from '../../../src/pki/cms/enveloped-data.ts'
import { writeSigningRequest } from '../../../src/pki/x509/signing-request.ts'
import { asDict } from '../../../src/plist/dict.ts'
import { readPlist } from '../../../src/plist/read.ts'
import type { PlistDict } from '../../../src/plist/value.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { type ScepMessageType, writeScepAttributes } from '../../../src/scep/attributes.ts'
import { writeScepRequest } from '../../../src/simulator/device/scep.ts'
import { binaryPlist, KEY } from '../device.ts'
import { selfSigned } from '../stranger.ts'
import type { FuzzRequest, Material } from './material.ts'
import { mutateBytes, mutatePlist, oddString } from './mutate.ts'
import type { Chance } from './random.ts'

const VECTORS = join(import.meta.dirname, '../../vectors')
const REAL: readonly PlistDict[] = readdirSync(VECTORS)
  .filter((name) => /^(checkin|connect).*\.plist$/.test(name))
  .map((name) => asDict(readPlist(readFileSync(join(VECTORS, name)))))
const PATHS = ['/mdm/checkin', '/mdm/connect', '/mdm', '/checkin']
export function deviceMessage(material: Material, chance: Chance): FuzzRequest {
  const { sender, canaries } = material
  // No target: an admin may have blocked it, and its messages are then refused.
  const names = [sender.udid, ...canaries]
  let dict: PlistDict = { ...chance.pick(REAL), Topic: sender.topic }
  if (chance.often(0.9)) {
    dict = { ...dict, [dict['EnrollmentID'] ? 'EnrollmentID' : 'UDID']: sender.udid }
  }
  for (let changes = chance.int(3); changes > 0; changes--) {
    dict = mutatePlist(dict, names, chance)
  }
  const written = encoded(dict, chance)
  const body = chance.often(0.2) ? mutateBytes(written, chance) : written
  return {
    kind: 'device',
    authorized: false,
    method: 'PUT',
    target: chance.pick(PATHS) + (chance.often(0.1) ? `?${oddQuery(chance)}` : ''),
    headers: signature(material, body, chance),
    body,
  }
}

/** The same, as the tool of another server sends it to `/migration`. */
export function migration(material: Material, chance: Chance): FuzzRequest {
  const { method, body } = deviceMessage(material, chance)
  const authorized = chance.often(0.9)
  const pair = `nanomdm:${authorized ? material.apiKey : ''}`
  const headers: [string, string][] = [['Authorization', `Basic ${btoa(pair)}`]]
  return { kind: 'admin', authorized, method, target: '/migration', headers, body }
}

const oddQuery = (chance: Chance): string =>
  [1, 2, 3]
    .map(() => `${oddString(chance)}=${oddString(chance)}`)
    .join('&')
    .toWellFormed()
    .replaceAll(/[^!-~]/gu, encodeURIComponent)

/** As XML or binary, whichever can hold it. */
function encoded(dict: PlistDict, chance: Chance): Uint8Array {
  if (chance.often(0.7)) {
    try {
      return writePlist(dict)
    } catch {
      // XML has no such characters or numbers.
    }
  }
  try {
    return binaryPlist(dict as Record<string, string>)
  } catch {
    return writePlist({ UDID: 'A', Status: 'Idle' })
  }
}

function signature({ sender }: Material, body: Uint8Array, chance: Chance): [string, string][] {
  const identity = chance.often(0.93) ? sender.identity : selfSigned()
  const signed = chance.often(0.95) ? body : mutateBytes(body, chance)
  const digest = chance.pick(['sha1', 'sha256', 'sha384', 'sha512'] as const)
  const der = signDetached({ ...identity, body: signed, digest, withAttributes: chance.often(0.7) })
  const sent = chance.often(0.9) ? der : mutateBytes(der, chance)
  return chance.often(0.98) ? [['Mdm-Signature', Buffer.from(sent).toString('base64')]] : []
}

export function scep({ ca, sender }: Material, chance: Chance): FuzzRequest {
  const subject = [
    [chance.pick(['CN', 'O', 'UID']), oddString(chance).replaceAll(/[^ -~]/g, '?')],
  ] as const
  const challenge = chance.often(0.5) ? 'wrong' : oddString(chance).toWellFormed()
  const messageType = chance.pick(['PKCSReq', 'RenewalReq', 'UpdateReq', 'CertRep'] as const)
  const der = chance.often(0.5)
    ? strangeInside(
        ca.der,
        writeSigningRequest({ subject, key: KEY, challengePassword: challenge }),
        messageType,
        chance,
      )
    : writeScepRequest({ key: KEY, subject, challenge, messageType }, ca).der
  const mutated = chance.often(0.5) ? der : mutateBytes(der, chance)
  const body = chance.often(0.95) ? mutated : sender.identity.certificate
  const operation = chance.often(0.7)
    ? 'PKIOperation'
    : chance.pick(['GetCACaps', 'GetCACert', oddString(chance)])
  const target = `/scep?operation=${encodeURIComponent(operation.toWellFormed())}`
  const base = { kind: 'scep', authorized: false, headers: [] } as const
  const message = encodeURIComponent(Buffer.from(body).toString('base64'))
  return chance.often(0.7)
    ? { ...base, method: 'POST', target, body }
    : { ...base, method: 'GET', target: `${target}&message=${message}`, body: new Uint8Array() }
}

/** Well signed and encrypted, but what is encrypted is no request any more. */
function strangeInside(
  ca: Uint8Array,
  csr: Uint8Array,
  messageType: ScepMessageType,
  chance: Chance,
): Uint8Array {
  const identity = selfSigned()
  return signAttached({
    ...identity,
    digest: 'sha256',
    body: writeEnvelope(mutateBytes(csr, chance), ca, chance.pick(['aes-128-cbc', 'des-ede3-cbc'])),
    attributes: writeScepAttributes({
      messageType,
      transactionId: printableString(Buffer.from(chance.bytes(8)).toString('hex')),
      senderNonce: chance.bytes(chance.pick([0, 1, 16, 300])),
    }),
  })
}

export function enroll({ sender }: Material, chance: Chance): FuzzRequest {
  const path = chance.pick([
    '/',
    '/mdm/enroll',
    '/ota/enroll',
    '/ota/phase23',
    '/MDMServiceConfig',
    '/mdm/anchor-certs',
  ])
  const dict = mutatePlist(
    { UDID: sender.udid, SERIAL: 'C02', PRODUCT: 'Mac15,6', VERSION: '24A', OS_VERSION: '15.0' },
    [sender.udid],
    chance,
  )
  const content = encoded(dict, chance)
  const identity = chance.often(0.5) ? sender.identity : selfSigned()
  const signed = signAttached({ ...identity, body: content, digest: 'sha256' })
  const method = chance.pick(['GET', 'POST', 'POST', 'HEAD'])
  const token = chance.often(0.3)
    ? `?token=${encodeURIComponent(oddString(chance).toWellFormed())}`
    : ''
  return {
    kind: 'enroll',
    authorized: false,
    method,
    target: path + token,
    headers: [],
    body:
      method !== 'POST'
        ? new Uint8Array()
        : chance.often(0.5)
          ? signed
          : mutateBytes(chance.often(0.7) ? signed : content, chance),
  }
}
