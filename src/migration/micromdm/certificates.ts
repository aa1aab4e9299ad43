/** MicroMDM's SCEP depot (github.com/micromdm/scep, depot/bolt/depot.go): a CA, and all that it issued. */
import { Buffer } from 'node:buffer'
import { DerError } from '../../pki/asn1/der.ts'
import { checkAuthority } from '../../pki/x509/authority.ts'
import { type Certificate, readCertificate } from '../../pki/x509/certificate.ts'
import { pem } from '../../pki/x509/issue.ts'
import { isSignedBy } from '../../pki/x509/path.ts'
import type { BoltBucket } from '../bolt/bolt.ts'
import { base64Of, type FleetNotes, keep, remark } from './notes.ts'
import { asItIs, type Row, rowsOf } from './tables.ts'

export interface MovedAuthority {
  /** Base64 of its DER. */
  readonly certificate: string
  /** Base64 of its PKCS#1 DER. */
  readonly key: string
  /** Greater than all serial numbers that it has given out. */
  readonly nextSerial: number
}

export interface Depot {
  readonly authority: MovedAuthority | undefined
  /** The certificates of devices, by fingerprint. */
  readonly issued: ReadonlyMap<string, Certificate>
}

interface Issued {
  readonly key: string
  readonly certificate: Certificate
}

const DEPOT = 'scep_certificates'
const CERTIFICATE = 'ca_certificate'
const KEY = 'ca_key'
const SERIAL = 'serial'
/** The depot begins with it. */
const FIRST_SERIAL = 2

/** Reads the bucket scep_certificates. */
export function readDepot(root: BoltBucket, notes: FleetNotes): Depot {
  const rows = rowsOf(root, DEPOT, asItIs)
  const [certificate, key, serial] = [CERTIFICATE, KEY, SERIAL].map((name) =>
    rows.find((row) => row.key === name),
  )
  const issued = rows
    .filter((row) => ![certificate, key, serial].includes(row))
    .flatMap((row) => readIssued(row, notes) ?? [])
  const authority = readAuthority(certificate, key, notes)
  return {
    authority: authority && {
      certificate: base64Of(authority.der),
      key: base64Of(key?.value ?? new Uint8Array()),
      nextSerial: nextSerial(serial?.value, issuedBy(authority, issued, notes), notes),
    },
    issued: new Map(issued.map((one) => [one.certificate.fingerprint, one.certificate])),
  }
}

function readIssued({ key, value }: Row<Uint8Array>, notes: FleetNotes): Issued | undefined {
  try {
    return { key, certificate: readCertificate(value) }
  } catch (error) {
    if (!(error instanceof DerError)) {
      throw error
    }
    remark(notes, 'bad_certificate', key, `It is no certificate: ${error.message}.`)
    keep(notes, 'certificate', key, value)
    return undefined
  }
}

function readAuthority(
  certificate: Row<Uint8Array> | undefined,
  key: Row<Uint8Array> | undefined,
  notes: FleetNotes,
): Certificate | undefined {
  const check =
    certificate && key
      ? checkAuthority(pem('CERTIFICATE', certificate.value), pem('RSA PRIVATE KEY', key.value))
      : ({ ok: false, error: `${certificate ? KEY : CERTIFICATE} is missing` } as const)
  if (check.ok) {
    return check.authority.certificate
  }
  remark(notes, 'bad_authority', DEPOT, `The file has no usable CA: ${check.error}.`)
  for (const row of [certificate, key]) {
    if (row !== undefined) keep(notes, 'authority', row.key, row.value)
  }
  return undefined
}

/** CAs of all MicroMDM servers have the same name, so that the signature decides. */
function issuedBy(
  authority: Certificate,
  issued: readonly Issued[],
  notes: FleetNotes,
): Certificate[] {
  return issued.flatMap(({ key, certificate }) => {
    if (isSignedBy(certificate, authority)) {
      return [certificate]
    }
    const text = `Another CA than that in the file issued the certificate ${certificate.fingerprint}.`
    remark(notes, 'other_ca', key, text)
    return []
  })
}

/** The depot counts, and stores the number as big-endian bytes. */
function nextSerial(
  stored: Uint8Array | undefined,
  issued: readonly Certificate[],
  notes: FleetNotes,
): number {
  const numbers = issued.map(({ serial }) => Number(`0x${serial}`)).filter(Number.isSafeInteger)
  const highest = numbers.reduce((most, number) => Math.max(most, number), FIRST_SERIAL - 1)
  const next =
    stored === undefined ? FIRST_SERIAL : Number(`0x0${Buffer.from(stored).toString('hex')}`)
  if (next > highest && Number.isSafeInteger(next)) {
    return next
  }
  const text = `Its next serial number, ${next}, is not greater than ${highest}, which is in use.`
  remark(notes, 'serial_behind', DEPOT, text)
  return highest + 1
}
