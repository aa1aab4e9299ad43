/** Reads the buckets about Automated Device Enrollment. */
import { readDepKey } from '../../dep/exchange-key.ts'
import type { DepToken } from '../../dep/records.ts'
import { readTokenJson } from '../../dep/token-file.ts'
import type { BoltBucket } from '../bolt/bolt.ts'
import type { MovedDepAccount } from '../records.ts'
import { base64Of, type FleetNotes, keep, type KeptKind, remark } from './notes.ts'
import { asItIs, type Row, rowsOf, textOfBytes } from './tables.ts'

/** A key pair whose certificate Apple has. */
export interface MovedDepPair {
  /** Serial number of the certificate, hexadecimal. */
  readonly serial: string
  /** Base64 of its DER. */
  readonly certificate: string
  /** Base64 of its PKCS#8 DER. */
  readonly key: string
}

export interface DepParts {
  readonly depKey?: MovedDepPair
  readonly depAccounts: readonly MovedDepAccount[]
}

/** Keys of mdm.DEPToken that are no consumer key of a token. */
const KEY = 'key'
const CERTIFICATE = 'certificate'
const NEWEST = 'last_added'
/** The only filter that MicroMDM looks at. */
const ALL = '*'

type Values = ReadonlyMap<string, Uint8Array>

/**
 * MicroMDM calls Apple with the newest token alone (github.com/micromdm/micromdm, platform/config/builtin/
 * db_deptoken.go), so that the cursor and the auto-assigner are of its account.
 */
export function readDepParts(root: BoltBucket, notes: FleetNotes): DepParts {
  const values: Values = new Map(
    rowsOf(root, 'mdm.DEPToken', asItIs).map(({ key, value }) => [key, value]),
  )
  const cursors = rowsOf(root, 'mdm.DEPConfig', asItIs)
  const assigners = rowsOf(root, 'mdm.DEPAutoAssign', asItIs)
  const depKey = readPair(values, notes)
  const tokens = [...values]
    .filter(([name]) => ![KEY, CERTIFICATE, NEWEST].includes(name))
    .flatMap(([name, value]) => tokenOf(name, value, notes) ?? [])
  const newest = newestOf(tokens, values.get(NEWEST))
  if (newest === undefined) {
    keepRows(notes, 'dep_cursor', cursors)
    keepRows(notes, 'dep_auto_assigner', assigners)
    return { ...(depKey && { depKey }), depAccounts: [] }
  }
  const all = assigners.find(({ key }) => key === ALL)
  keepRows(
    notes,
    'dep_auto_assigner',
    assigners.filter((one) => one !== all),
  )
  const inUse: MovedDepAccount = {
    token: newest,
    ...(depKey && { keySerial: depKey.serial }),
    cursor: cursorOf(cursors, notes),
    ...(all && { autoAssign: textOfBytes(all.value) }),
  }
  const others = tokens.filter((token) => token !== newest).map((token) => ({ token }))
  return { ...(depKey && { depKey }), depAccounts: [...others, inUse] }
}

function keepRows(notes: FleetNotes, kind: KeptKind, rows: readonly Row<Uint8Array>[]): void {
  for (const { key, value } of rows) {
    keep(notes, kind, key, value)
  }
}

function readPair(values: Values, notes: FleetNotes): MovedDepPair | undefined {
  const [certificate, key] = [values.get(CERTIFICATE), values.get(KEY)]
  const pair = certificate && key && readDepKey(certificate, key, 'pkcs1')
  if (pair) {
    const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
    return { serial: pair.serial, certificate: base64Of(pair.certificate), key: base64Of(pkcs8) }
  }
  for (const [kind, name, value] of [
    ['dep_certificate', CERTIFICATE, certificate],
    ['dep_key', KEY, key],
  ] as const) {
    if (value) {
      const text =
        'Certificate and key for Apple’s tokens do not make a pair: make a new one here, upload its ' +
        'certificate to Apple, and import the token.'
      remark(notes, 'bad_dep', name, text)
      keep(notes, kind, name, value)
    }
  }
  return undefined
}

function tokenOf(name: string, value: Uint8Array, notes: FleetNotes): DepToken | undefined {
  const read = readTokenJson(jsonOf(value))
  if (!read.ok) {
    remark(notes, 'bad_dep', name, `It is no token of Apple (${read.error}).`)
    keep(notes, 'dep_token', name, value)
    return undefined
  }
  return read.token
}

/** Without a word of the file it is the one that ends last. */
function newestOf(
  tokens: readonly DepToken[],
  named: Uint8Array | undefined,
): DepToken | undefined {
  const name = named && textOfBytes(named)
  return (
    tokens.find(({ consumerKey }) => consumerKey === name) ??
    tokens.toSorted((one, other) => other.expiresAt - one.expiresAt)[0]
  )
}

/** The time 0 stands for no cursor: the account begins with a list of all devices. */
function cursorOf(
  rows: readonly Row<Uint8Array>[],
  notes: FleetNotes,
): NonNullable<MovedDepAccount['cursor']> {
  const row = rows.find(({ key }) => key === 'configuration')
  const { cursor }: StoredCursor = (row && jsonOf(row.value)) ?? {}
  if (row && typeof cursor?.value !== 'string') {
    remark(notes, 'bad_dep', row.key, 'The cursor of Apple’s list of devices cannot be read.')
    keepRows(notes, 'dep_cursor', [row])
  }
  const at = Date.parse(String(cursor?.created_at))
  return typeof cursor?.value === 'string' && cursor.value !== '' && at > 0
    ? { value: cursor.value, at }
    : { value: '', at: 0 }
}

interface StoredCursor {
  readonly cursor?: { readonly value?: unknown; readonly created_at?: unknown } | null
}

/** `undefined` for what is no JSON object. */
function jsonOf(bytes: Uint8Array): object | undefined {
  try {
    const json: unknown = JSON.parse(textOfBytes(bytes))
    return typeof json === 'object' && json !== null ? json : undefined
  } catch {
    return undefined
  }
}
