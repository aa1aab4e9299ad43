/** SCEP clients and CAs for tests that run against the Worker. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exports } from 'cloudflare:workers'
import { createAuthority, type Authority } from '../../src/pki/x509/authority.ts'
import { pem } from '../../src/pki/x509/issue.ts'
import {
  enrolByScep,
  type PendingRequest,
  readCertRep,
  sendScepRequest,
  type ScepFetch,
  type ScepOptions,
  writeScepRequest,
} from '../../src/simulator/device/scep.ts'
import { newKey, type SimulatedIdentity } from '../../src/simulator/device/identity.ts'
import type { DeviceOptions, SimulatedDevice } from '../../src/simulator/device/device.ts'
import { downloadProfile, obtainIdentity } from '../../src/simulator/device/enrolment.ts'
import { clock } from './clock.ts'
import { api, newDevice } from './server.ts'

export const SCEP_URL = 'http://mdm.test/scep'
export const scepFetch: ScepFetch = (url, init) =>
  exports.default.fetch(new Request(url, init as RequestInit))

/** Keys are slow to make; who owns which does not matter to most tests. */
export const someKey = newKey('rsa')

export function newAuthority(now = clock.now(), key: KeyObject = rsaKey()): Authority {
  return createAuthority(key, now)
}

export async function install(
  { certificate, key }: Authority,
  facts: { imported: boolean; next_serial?: number } = { imported: false },
): Promise<void> {
  const answer = await api('POST', '/api/ca', {
    certificate: pem('CERTIFICATE', certificate.der),
    private_key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ...facts,
  })
  if (answer.status !== 201) {
    throw new Error(JSON.stringify(answer.body))
  }
}

export async function oneTimeChallenge(): Promise<string> {
  const { body } = await api<{ string: string }>('POST', '/v1/challenge')
  return body.string
}

export function enrol(options: Partial<ScepOptions> = {}): Promise<SimulatedIdentity> {
  return enrolByScep({
    fetch: scepFetch,
    url: SCEP_URL,
    subject: [
      ['O', 'EdgeMDM'],
      ['CN', 'Mac'],
    ],
    ...options,
  })
}

/** A request that was not sent yet. */
export function request(options: Partial<ScepOptions>, ca: Authority): PendingRequest {
  return writeScepRequest({ subject: [['CN', 'Mac']], ...options }, ca.certificate)
}

export async function send(pending: PendingRequest): Promise<SimulatedIdentity> {
  const answer = await sendScepRequest({ fetch: scepFetch, url: SCEP_URL }, pending.der)
  return readCertRep(answer, pending)
}

/**
 * A device that came in as people's devices do: profile, SCEP, check-in. It renews by itself when told to.
 */
export async function enrolByProfile(
  options: Partial<DeviceOptions> & { readonly query?: string } = {},
): Promise<SimulatedDevice> {
  const { query = '', scep = { fetch: scepFetch, key: someKey }, ...rest } = options
  const profile = await downloadProfile(scepFetch, `http://mdm.test/mdm/enroll${query}`)
  const { serverUrl, topic, checkInUrl = serverUrl } = profile
  const identity = await obtainIdentity(profile, scep, 'Mac')
  const device = newDevice({ profile, identity, serverUrl, checkInUrl, topic, scep, ...rest })
  const enrolled = await device.enroll()
  if (enrolled.status !== 200) {
    throw new Error(`the device could not enrol: HTTP ${enrolled.status}`)
  }
  return device
}

export function rsaKey(modulusLength = 2048): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey
}
