/** The push certificate in use, the request that is on its way, and the next command. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { daysUntil, expiryWarning, readPushCertificate } from '../../pki/x509/push-certificate.ts'
import type { Certificate } from '../../pki/x509/certificate.ts'
import { CliError } from '../error.ts'
import { sealKeysOf } from '../settings.ts'
import { durationOf } from '../start/terminal/words.ts'
import { openState } from '../state.ts'
import { readInstalledPush } from './installed-push.ts'
import { commandIn, dayOf, nextPushStep, readCertificateRecord, waitingFor } from './record.ts'
import { readPushCertificateIn } from './wrangler-toml.ts'

const RENEW_DAYS = 60

export interface PushPlace {
  readonly folder: string
  /** The directory of wrangler.toml, for the deployed Worker; absent for `npm start`. */
  readonly projectDir?: string
  readonly now: number
}

export function showPush(place: PushPlace): string {
  const { folder, now } = place
  const record = readCertificateRecord(folder)
  const certificate = certificateInUse(place)
  const since = record.pending && durationOf(now - Date.parse(record.pending.since))
  const shown: readonly (readonly [string, string | undefined])[] = [
    ...(certificate ? factsOf(certificate, now) : [['In use', noneIn(place)] as const]),
    ['Account', record.account],
    ['Vendor', record.vendor],
    ['Pending', since && `${waitingFor(record)}, since ${since}`],
  ]
  return [
    ...shown
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name.padEnd(12)} ${value}`),
    ...(certificate
      ? [expiryWarning(certificate.notAfter, now)].filter((line) => line !== undefined)
      : []),
    nextPushStep(folder, record) ?? firstStep(place, certificate),
  ].join('\n')
}

/** What a renewal has to begin with. @throws CliError when there is nothing to renew */
export function certificateToRenew(place: PushPlace): Certificate {
  const certificate = certificateInUse(place)
  if (!certificate) {
    throw new CliError(`there is nothing to renew: ${noneIn(place)}`)
  }
  return certificate
}

export function factsOf(
  { uid, subjectText, notAfter, fingerprint }: Certificate,
  now: number,
): (readonly [string, string | undefined])[] {
  return [
    ['Topic', uid],
    ['Subject', subjectText],
    ['Ends', `${dayOf(notAfter)}, in ${daysUntil(notAfter, now)} days`],
    ['SHA-256', fingerprint],
  ]
}

function noneIn({ projectDir }: PushPlace): string {
  return projectDir === undefined
    ? 'npm start pushes with a simulated certificate'
    : 'no push certificate of a deployed Worker is known here'
}

function firstStep(
  { folder, projectDir, now }: PushPlace,
  certificate: Certificate | undefined,
): string {
  if (certificate) {
    const command = commandIn(folder, projectDir === undefined ? 'renew' : 'renew --production')
    const from = certificate.notAfter - RENEW_DAYS * 86_400_000
    return from < now ? `Next: ${command}` : `Next: from ${dayOf(from)} on, ${command}`
  }
  return `Next: make a request. With a key of mdmcert.download, or with a vendor:
  ${commandIn(folder, 'request --mdmcert-email YOU@EXAMPLE.COM')}
  ${commandIn(folder, 'push-csr --email YOU@EXAMPLE.COM')}`
}

function certificateInUse(place: PushPlace): Certificate | undefined {
  const { folder, projectDir, now } = place
  const pem =
    projectDir === undefined
      ? installedUnder(dirname(folder), now)
      : (deployedFrom(projectDir) ?? readCertificateRecord(folder).uploads?.[0]?.certificate)
  const read = pem === undefined ? undefined : readPushCertificate(pem)
  if (typeof read === 'string') {
    throw new CliError(read)
  }
  return read
}

function deployedFrom(projectDir: string): string | undefined {
  return readPushCertificateIn(readFileSync(join(projectDir, 'wrangler.toml'), 'utf8')).certificate
}

function installedUnder(stateDir: string, now: number): string | undefined {
  const state = openState(stateDir, now)
  return readInstalledPush(stateDir, sealKeysOf(state, process.env))?.certificate
}
