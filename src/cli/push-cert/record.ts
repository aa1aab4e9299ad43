/** What the folder remembers between two commands and from year to year, and the step that follows. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { shellPath } from '../dashes.ts'
import { CliError, messageOf } from '../error.ts'
import { writeWhole } from '../write-whole.ts'

const FILE = 'record'

/** What a request waits for: Apple's vendor certificate, a vendor, a mail with its signature, Apple. */
export type Awaited = 'vendor-certificate' | 'signature' | 'mail' | 'portal'

/** A certificate that was uploaded to Cloudflare. */
export interface UploadedCertificate {
  readonly id: string
  /** PEM; absent for one that another machine uploaded. */
  readonly certificate?: string
}

export interface CertificateRecord {
  /** The Apple Account that made the certificate: only this account can renew it. */
  readonly account?: string
  /** The vendor that signed the last request. */
  readonly vendor?: string
  /** The address in the last request. */
  readonly email?: string
  /** The address that is registered at the signing service. */
  readonly service_email?: string
  /** Of the certificate in use. */
  readonly topic?: string
  /** ISO 8601. */
  readonly not_after?: string
  /** Newest first. */
  readonly uploads?: readonly UploadedCertificate[]
  /** ISO 8601 in `since`. */
  readonly pending?: { readonly awaits: Awaited; readonly since: string } | undefined
}

/** @throws CliError when the file is there and cannot be read */
export function readCertificateRecord(folder: string): CertificateRecord {
  const file = join(folder, FILE)
  try {
    const record: CertificateRecord = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
    return record
  } catch (error) {
    throw new CliError(`${file}: ${messageOf(error)}. Repair or delete it`)
  }
}

/** Changes some entries of the record, and returns the whole. */
export function remember(folder: string, changes: CertificateRecord): CertificateRecord {
  const record = { ...readCertificateRecord(folder), ...changes }
  writeWhole(join(folder, FILE), `${JSON.stringify(record, undefined, 2)}\n`)
  return record
}

/** Remembers what a request waits for from `now` on, in milliseconds since 1970. */
export function awaitFrom(
  folder: string,
  awaits: Awaited,
  now: number,
  others: CertificateRecord = {},
): CertificateRecord {
  return remember(folder, { ...others, pending: { awaits, since: new Date(now).toISOString() } })
}

/** A command line for this folder. */
export function commandIn(folder: string, rest: string): string {
  return `npm run push-cert -- ${rest}${stateFlag(folder)}`
}

function stateFlag(folder: string): string {
  const state = dirname(resolve(folder))
  return state === resolve('.edgemdm') ? '' : ` --state ${shellPath(state)}`
}

const PORTAL = 'https://identity.apple.com/pushcert'
/** The file for Apple's portal. */
export const SIGNED_REQUEST = 'PushCertificateRequest.plist'

interface Waiting {
  /** Follows the word "waiting". */
  readonly reason: (record: CertificateRecord) => string
  readonly next: (folder: string, record: CertificateRecord) => string
}

const WAITING: Readonly<Record<Awaited, Waiting>> = {
  'vendor-certificate': {
    reason: () => 'for the vendor certificate from Apple',
    next: (folder) =>
      `upload vendor.csr at https://developer.apple.com/account/resources/certificates (type "MDM CSR", for
accounts that Apple made MDM vendors), download the certificate, and make the request of the push certificate:
  ${commandIn(folder, 'push-csr --email YOU@EXAMPLE.COM')}`,
  },
  signature: {
    reason: () => 'for the signature of a vendor',
    next: (folder) =>
      `have a vendor sign push.csr. With a vendor certificate of your own:
  ${commandIn(folder, 'sign --vendor-cert mdm.cer')}
Another vendor sends back a signed file. Check it before you upload it:
  ${commandIn(folder, 'decrypt --file PushCertificateRequest.plist')}`,
  },
  mail: {
    reason: ({ service_email: email }) => `for the mail of the signing service to ${email}`,
    next: (folder) =>
      `save the file that is attached to the mail (look among the spam too), and open it:
  ${commandIn(folder, 'decrypt --file mdm_signed_request.….plist.b64.p7')}`,
  },
  portal: {
    reason: () => 'for the certificate from Apple',
    next: (folder, record) =>
      `upload ${join(folder, SIGNED_REQUEST)} at ${PORTAL}
${rowOf(record)}
Download MDM_….pem, and install it:
  for npm start:    ${commandIn(folder, 'install --cert MDM_….pem')}
  for Cloudflare:   npm run deploy -- --push-cert MDM_….pem${stateFlag(folder)}`,
  },
}

/** Which button to press in Apple's portal. The row decides the topic, and not the key. */
function rowOf({ topic, not_after: end, account }: CertificateRecord): string {
  return topic === undefined
    ? `For a first certificate choose "Create a Certificate", and use an Apple Account of the organisation.
For a later one choose "Renew" beside the old one: "Create" makes another topic.`
    : `Sign in with ${account ?? 'the Apple Account that made it'}. Find the row with the UID
${topic}, which ends on ${end?.slice(0, 10)}.
Choose "Renew" on this row, not "Create": with another topic every device has to enrol again.`
}

/** The step that follows, as each command ends: `Next: …`. Undefined when no request is on its way. */
export function nextPushStep(
  folder: string,
  record = readCertificateRecord(folder),
): string | undefined {
  const { pending } = record
  return pending && `Next: ${WAITING[pending.awaits].next(folder, record)}`
}

/** `waiting for the signature of a vendor`. */
export function waitingFor(record: CertificateRecord): string | undefined {
  return record.pending && `waiting ${WAITING[record.pending.awaits].reason(record)}`
}

/** `2027-11-03`, of milliseconds since 1970. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
