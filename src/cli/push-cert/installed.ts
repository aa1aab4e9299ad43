/** What stays of an installed push certificate for the day on which it has to be renewed. */
import { join } from 'node:path'
import type { PushPair } from '../settings.ts'
import { writeWhole } from '../write-whole.ts'
import {
  commandIn,
  dayOf,
  readCertificateRecord,
  remember,
  type UploadedCertificate,
} from './record.ts'

export interface Installed {
  readonly folder: string
  readonly push: PushPair
  /** The Apple Account that made the certificate, if it is known. */
  readonly account: string | undefined
  /** The id of the upload that is bound now; none under `npm start`. */
  readonly certificateId: string | undefined
  /** The id that was bound before. */
  readonly previousId?: string | undefined
  readonly now: number
}

const DAY = 86_400_000
const REMIND_DAYS = 45
const CALENDAR = 'renew-push-certificate.ics'
/** The one that is bound, and the one that a roll-back would bind. */
const KEPT_UPLOADS = 2
const LINE_OCTETS = 75

/** Records the certificate, writes a calendar entry for its renewal, and returns lines for the terminal. */
export function keepInstalled(installed: Installed): string[] {
  const { folder, push, now } = installed
  const before = readCertificateRecord(folder)
  const account = installed.account ?? before.account
  const uploads = uploadsWith(installed, before.uploads ?? [])
  remember(folder, {
    ...(account !== undefined && { account }),
    topic: push.topic,
    not_after: new Date(push.notAfter).toISOString(),
    uploads: uploads.slice(0, KEPT_UPLOADS),
    pending: undefined,
  })
  const renew = installed.certificateId === undefined ? 'renew' : 'renew --production'
  const day = Math.max(push.notAfter - REMIND_DAYS * DAY, now)
  const file = join(folder, CALENDAR)
  writeWhole(file, calendarOf(push, account, day, now))
  return [
    ...(before.topic === undefined || before.topic === push.topic
      ? []
      : [`The topic was ${before.topic}: each device with that topic has to enrol again.`]),
    account === undefined
      ? `Only the Apple Account that made it can renew it: ${commandIn(folder, 'note --account ADDRESS')}`
      : `Only the Apple Account ${account} can renew it.`,
    `Next: from ${dayOf(day)} on, ${commandIn(folder, renew)}. For your calendar: ${file}`,
    ...deletionOf(uploads.slice(KEPT_UPLOADS)),
  ]
}

function uploadsWith(
  { push: { certificate }, certificateId, previousId }: Installed,
  known: readonly UploadedCertificate[],
): UploadedCertificate[] {
  const bound = certificateId === undefined ? [] : [{ id: certificateId, certificate }]
  const previous =
    previousId === undefined
      ? []
      : [known.find(({ id }) => id === previousId) ?? { id: previousId }]
  const others = known.filter(({ id }) => id !== certificateId && id !== previousId)
  return [...bound, ...previous, ...others]
}

function deletionOf(uploads: readonly UploadedCertificate[]): string[] {
  return uploads.length === 0
    ? []
    : [
        'No longer needed at Cloudflare, which refuses to delete a certificate that a Worker uses:',
        ...uploads.map(({ id }) => `  npx wrangler mtls-certificate delete --id ${id}`),
      ]
}

/**
 * An entry for the whole day, with an alarm at nine (RFC 5545 §3.6.1). Next year's has the same UID, and
 * replaces it.
 */
function calendarOf(push: PushPair, account: string | undefined, day: number, now: number): string {
  const by =
    account === undefined ? 'the Apple Account that made it' : `the Apple Account ${account}`
  const summary = `Renew the MDM push certificate (it ends on ${dayOf(push.notAfter)})`
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//EdgeMDM//push-cert//EN',
    'BEGIN:VEVENT',
    `UID:${push.topic}@edgemdm`,
    `SEQUENCE:${Math.floor(now / DAY)}`,
    `DTSTAMP:${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`,
    `DTSTART;VALUE=DATE:${dayOf(day).replaceAll('-', '')}`,
    `SUMMARY:${escaped(summary)}`,
    `DESCRIPTION:${escaped(
      `Run npm run push-cert -- renew. At https://identity.apple.com/pushcert sign in with ${by}, and ` +
        `choose Renew on the row with the UID ${push.topic}. "Create" would make every device enrol again.`,
    )}`,
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    `DESCRIPTION:${escaped(summary)}`,
    'TRIGGER:PT9H',
    'END:VALARM',
    'END:VEVENT',
    'END:VCALENDAR',
  ]
  return lines.map((line) => `${folded(line)}\r\n`).join('')
}

/** RFC 5545 §3.3.11. */
function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, String.raw`\$&`)
}

/** RFC 5545 §3.1: no line is longer than 75 octets, and a character stays whole. */
function folded(line: string): string {
  const lines: string[] = ['']
  let octets = 0
  for (const character of line) {
    const size = Buffer.byteLength(character)
    if (octets + size > LINE_OCTETS) {
      lines.push(' ')
      octets = 1
    }
    lines[lines.length - 1] += character
    octets += size
  }
  return lines.join('\r\n')
}
