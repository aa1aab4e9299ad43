/** Reads an enrolment profile as a device does, and gets the device its identity. */
import type { KeyObject } from 'node:crypto'
import { signedContent } from '../../pki/cms/cms.ts'
import type { NameAttribute } from '../../pki/x509/name.ts'
import {
  arrayAt,
  asDict,
  isDict,
  requiredDict,
  requiredString,
  stringAt,
} from '../../plist/dict.ts'
import { PlistError } from '../../plist/error.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict, PlistValue } from '../../plist/value.ts'
import type { SimulatedIdentity } from './identity.ts'
import { enrolByScep, type ScepFetch } from './scep.ts'

/** The addresses and the topic of an enrolment. */
export interface EnrollmentAddress {
  readonly serverUrl: string
  /** Without it check-ins go to `serverUrl`, as in profiles that name only that. */
  readonly checkInUrl?: string
  readonly topic: string
}

export interface EnrollmentProfile extends EnrollmentAddress {
  readonly identifier: string
  readonly mdm: PlistDict
  readonly scep: {
    readonly url: string
    readonly subject: readonly NameAttribute[]
    readonly challenge: string
  }
  readonly profile: PlistDict
}

/** How a device gets an identity by SCEP. */
export interface ScepClient {
  readonly fetch: ScepFetch
  /** Origin of the server for this machine, when the profile names another one. */
  readonly server?: string
  /** The key to be certified; without it a fresh one. */
  readonly key?: KeyObject
}

/** @throws Error with the server's answer, or with the fault of the profile */
export async function downloadProfile(fetch: ScepFetch, url: string): Promise<EnrollmentProfile> {
  return downloadedProfile(await fetch(url))
}

/** The enrolment profile in an answer. @throws Error with the server's answer, or with its fault */
export async function downloadedProfile(
  response: Awaited<ReturnType<ScepFetch>>,
): Promise<EnrollmentProfile> {
  const body = new Uint8Array(await response.arrayBuffer())
  if (response.status !== 200) {
    const text = new TextDecoder().decode(body).trim().slice(0, 200)
    throw new Error(`no enrolment profile: HTTP ${response.status} ${text}`)
  }
  return readEnrollmentProfile(asDict(readPlist(signedContent(body) ?? body)))
}

/** Whether a profile manages the device that it is installed on. */
export function isEnrollmentProfile(profile: PlistDict): boolean {
  return payloadsOf(profile).some((payload) => payload['PayloadType'] === 'com.apple.mdm')
}

/** @throws PlistError when it lacks a value that a device needs */
export function readEnrollmentProfile(profile: PlistDict): EnrollmentProfile {
  const payloads = payloadsOf(profile)
  const mdm = payloads.find((payload) => payload['PayloadType'] === 'com.apple.mdm')
  if (mdm === undefined) {
    throw new PlistError('the profile has no MDM payload')
  }
  const uuid = requiredString(mdm, 'IdentityCertificateUUID')
  const identity = payloads.find((payload) => payload['PayloadUUID'] === uuid)
  if (identity?.['PayloadType'] !== 'com.apple.security.scep') {
    throw new PlistError('the identity of the MDM payload comes from no SCEP payload')
  }
  const scep = requiredDict(identity, 'PayloadContent')
  const checkInUrl = stringAt(mdm, 'CheckInURL')
  return {
    identifier: requiredString(profile, 'PayloadIdentifier'),
    serverUrl: requiredString(mdm, 'ServerURL'),
    ...(checkInUrl === undefined ? {} : { checkInUrl }),
    topic: requiredString(mdm, 'Topic'),
    mdm,
    scep: {
      url: requiredString(scep, 'URL'),
      subject: (arrayAt(scep, 'Subject') ?? []).flatMap(attributeIn),
      challenge: stringAt(scep, 'Challenge') ?? '',
    },
    profile,
  }
}

/**
 * Gets the identity that a profile promises; `%ComputerName%` is the device's name.
 * @throws ScepRefusedError, or Error, as `enrolByScep`.
 */
export async function obtainIdentity(
  { scep }: EnrollmentProfile,
  client: ScepClient,
  deviceName: string,
): Promise<SimulatedIdentity> {
  return enrolByScep({
    fetch: client.fetch,
    url: urlAtServer(scep.url, client.server),
    subject: scep.subject.map(([type, value]) => [
      type,
      value.replaceAll('%ComputerName%', deviceName),
    ]),
    challenge: scep.challenge,
    ...(client.key && { key: client.key }),
  })
}

/** The same URL at another server: the public URL of a profile may not work on this machine. */
export function urlAtServer(url: string, server: string | undefined): string {
  return server === undefined ? url : server + url.slice(new URL(url).origin.length)
}

/** Why a device refuses to replace its profile with this one (Apple: "Install Profile Command"). */
export function profileRefusal(
  installed: EnrollmentProfile,
  update: EnrollmentProfile,
): string | undefined {
  if (update.identifier !== installed.identifier) {
    return 'the device is managed by another profile'
  }
  const constant = ['ServerURL', 'CheckInURL', 'Topic', 'EnrollmentMode', 'AssignedManagedAppleID']
  const changed = constant.find((key) => update.mdm[key] !== installed.mdm[key])
  if (changed !== undefined) {
    return `${changed} may not change`
  }
  const users = ({ mdm }: EnrollmentProfile): boolean =>
    (arrayAt(mdm, 'ServerCapabilities') ?? []).includes('com.apple.mdm.per-user-connections')
  if (users(update) !== users(installed)) {
    return 'com.apple.mdm.per-user-connections may not come or go'
  }
  const rights = ({ mdm }: EnrollmentProfile): number => Number(mdm['AccessRights'] ?? 0)
  // oxlint-disable-next-line no-bitwise -- a bit for each right
  return (rights(update) & ~rights(installed)) === 0 ? undefined : 'AccessRights may not grow'
}

/** One more level of arrays than a name needs: iOS refuses flat forms (Apple: "SCEP"). */
function attributeIn(level: PlistValue): NameAttribute[] {
  return Array.isArray(level)
    ? level.map((pair) => {
        const [type, value] = Array.isArray(pair) ? pair : []
        if (typeof type !== 'string' || typeof value !== 'string') {
          throw new PlistError('the Subject of the SCEP payload is not [[[type, value]], …]')
        }
        return [type, value]
      })
    : []
}

function payloadsOf(profile: PlistDict): PlistDict[] {
  return (arrayAt(profile, 'PayloadContent') ?? []).filter((payload) => isDict(payload))
}
