/** Downloads the data of assets and profiles (Apple: "AssetDataReferenceObject"). */
import { createHash } from 'node:crypto'
import type { Reason } from '../../../ddm/states.ts'
import type { PlistDict } from '../../../plist/value.ts'
import { readProfile } from '../answers/installed.ts'
import { isEnrollmentProfile } from '../enrolment.ts'
import { describeFailure } from '../session.ts'
import { isDelivered, type ServerAnswer } from '../wire.ts'
import type { Declaration } from './declaration.ts'
import { reason } from './findings.ts'
import { type JsonRecord, recordAt, stringIn } from './json.ts'

/** GET, with Mdm-Signature over the empty body if it is signed. */
export type Download = (url: string, signed: boolean) => Promise<ServerAnswer>

/** The result of a download for one content of a declaration. */
export interface DownloadedFile {
  readonly token: string
  readonly fault: Reason | undefined
  /** The profile in it, if it is one. */
  readonly profile: PlistDict | undefined
}

/** Fetches and verifies the data of an asset. */
export async function downloadAsset(
  { token, payload }: Declaration,
  download: Download,
): Promise<DownloadedFile> {
  const reference = recordAt(payload, 'Reference')
  const signed = stringIn(recordAt(payload, 'Authentication'), 'Type') !== 'None'
  const answer = await fetchBytes(stringIn(reference, 'DataURL'), signed, download)
  if (typeof answer === 'string') {
    return faulty(token, 'Error.AssetCannotBeDownloaded', answer)
  }
  const mismatch = mismatchOf(reference, answer)
  return mismatch === undefined
    ? { token, fault: undefined, profile: readProfile(answer.body) }
    : faulty(token, 'Error.AssetCannotBeVerified', mismatch)
}

/** Fetches the profile of a legacy configuration. */
export async function downloadDeclaredProfile(
  { token, payload }: Declaration,
  download: Download,
): Promise<DownloadedFile> {
  const answer = await fetchBytes(stringIn(payload, 'ProfileURL'), true, download)
  return typeof answer === 'string'
    ? faulty(token, 'Error.ConfigurationCannotBeApplied', answer)
    : checkedProfile(token, readProfile(answer.body))
}

/** A profile in a declaration may not manage the device. */
export function checkedProfile(token: string, profile: PlistDict | undefined): DownloadedFile {
  if (profile === undefined) {
    return faulty(token, 'Error.ConfigurationIsInvalid', 'the data is no profile')
  }
  return isEnrollmentProfile(profile)
    ? faulty(token, 'Error.ConfigurationIsInvalid', 'the profile has a com.apple.mdm payload')
    : { token, fault: undefined, profile }
}

function faulty(token: string, code: string, text: string): DownloadedFile {
  return { token, fault: reason(code, text, { Error: text }), profile: undefined }
}

/** The answer, or why there is none. */
async function fetchBytes(
  url: string,
  signed: boolean,
  download: Download,
): Promise<ServerAnswer | string> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    return `no URL: ${url}`
  }
  const answer = await download(url, signed).catch(describeFailure)
  return typeof answer === 'string' || isDelivered(answer) ? answer : `HTTP ${answer.status}`
}

function mismatchOf(
  reference: JsonRecord,
  { body, contentType }: ServerAnswer,
): string | undefined {
  const { Size: size } = reference
  const type = stringIn(reference, 'ContentType')
  const hash = stringIn(reference, 'Hash-SHA-256')
  if (type !== '' && mediaType(type) !== mediaType(contentType ?? '')) {
    return `the content type is ${contentType ?? 'missing'}, not ${type}`
  }
  if (typeof size === 'number' && size !== body.length) {
    return `the size is ${body.length}, not ${size}`
  }
  const digest = createHash('sha256').update(body).digest('hex')
  return hash !== '' && hash.toLowerCase() !== digest
    ? 'the SHA-256 of the data is another one'
    : undefined
}

function mediaType(text: string): string {
  return (text.split(';')[0] ?? '').trim().toLowerCase()
}
