/** The certificates that NanoMDM bound to each enrolment (github.com/micromdm/nanomdm, service/certauth). */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { faultOfDeviceId } from '../../mdm/enrollment.ts'
import type { MovedDevice } from '../../migration/moved.ts'
import { MOST } from '../../migration/records.ts'
import { CliError, faultOfFile, messageOf } from '../error.ts'
import type { Remark } from './fit.ts'

/** A row of `cert_auth_associations`. */
interface Association {
  readonly id: string
  readonly sha256: string
  /** As text that sorts; empty if the export has none. */
  readonly at: string
}

export interface BoundDevices {
  /** Records with bindings alone, by id. */
  readonly devices: readonly MovedDevice[]
  readonly odd: readonly Remark[]
}

/** Files of NanoMDM's `file` storage, and the bucket of its `diskv` storage. */
const LOG_OF_FILE_STORAGE = 'CertAuth.txt'
const BUCKET = 'cert_auth'
const HASH_OF_ID = '.cert_hash'
const SHA256 = /^[0-9a-f]{64}$/i
const COLUMNS = ['id', 'sha256', 'created_at']
const SEPARATORS = ['\t', ',', ';']

/** An export as a file, or a folder of NanoMDM's `file` or `diskv` storage. @throws CliError */
export function readAssociations(path: string): BoundDevices {
  const rows = read(path)
  if (rows.length === 0) {
    throw new CliError(`--bindings ${path}: no bindings are in it`)
  }
  const bound = bindingsOf(rows)
  const [first] = bound.odd
  if (bound.devices.length === 0 && first) {
    throw new CliError(
      `--bindings ${path}: no row can be used. The first is of ${first.about}: ${first.detail}`,
    )
  }
  return bound
}

function read(path: string): readonly Association[] {
  try {
    if (!statSync(path).isDirectory()) {
      const rows = parseAssociations(readFileSync(path, 'utf8'))
      return basename(path) === LOG_OF_FILE_STORAGE ? latest(rows) : rows
    }
    const log = join(path, LOG_OF_FILE_STORAGE)
    const bucket = join(path, BUCKET)
    if (existsSync(log)) {
      return latest(parseAssociations(readFileSync(log, 'utf8')))
    }
    if (existsSync(bucket)) {
      return associationsIn(bucket)
    }
    throw new CliError(
      `it has neither ${LOG_OF_FILE_STORAGE} nor ${BUCKET}, as NanoMDM’s storage has`,
    )
  } catch (error) {
    throw new CliError(`--bindings ${path}: ${faultOfFile(error)}`)
  }
}

/** The `file` storage accepts the certificate of an id that it wrote last. */
function latest(rows: readonly Association[]): readonly Association[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()]
}

/** A file for each key: `ID.cert_hash` has the hash. */
function associationsIn(bucket: string): readonly Association[] {
  return readdirSync(bucket, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(HASH_OF_ID))
    .map(({ parentPath, name }) => ({
      id: name.slice(0, -HASH_OF_ID.length),
      sha256: readFileSync(join(parentPath, name), 'utf8').trim(),
      at: '',
    }))
}

/**
 * CSV or TSV, with a line of names or without one, or a JSON array of objects. The columns are `id` and
 * `sha256`, and `created_at` if it is there.
 *
 * @throws CliError if it is none of these
 */
export function parseAssociations(text: string): readonly Association[] {
  const trimmed = text.replace(/^\ufeff/, '').trim()
  const rows = trimmed.startsWith('[') ? jsonRows(trimmed) : tableRows(trimmed)
  return rows.map(([id = '', hash = '', at = '']) => ({ id, sha256: hash, at }))
}

/** Values in the order of {@link COLUMNS}. */
type Values = readonly (string | undefined)[]

function jsonRows(text: string): readonly Values[] {
  const rows: readonly Record<string, unknown>[] = parseJson(text)
  return rows.map((row) =>
    COLUMNS.map((name) => {
      const value = row?.[name]
      return typeof value === 'string' ? value : undefined
    }),
  )
}

function parseJson(text: string) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CliError(`it is no JSON: ${messageOf(error)}`)
  }
}

function tableRows(text: string): readonly Values[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const separator = SEPARATORS.find((one) => lines[0]?.includes(one)) ?? ','
  const [first = [], ...others] = lines.map((line) =>
    line.split(separator).map((cell) => cell.trim().replaceAll(/^"|"$/g, '')),
  )
  if (first.some((cell) => SHA256.test(cell))) {
    return [first, ...others]
  }
  const names = first.map((name) => name.toLowerCase())
  const places = COLUMNS.map((name) => names.indexOf(name))
  if (places[0] === -1 || places[1] === -1) {
    throw new CliError('its first line has neither a SHA-256 nor the names id and sha256')
  }
  return others.map((cells) => places.map((place) => cells[place]))
}

/** A certificate that two ids have proves neither of them. */
function bindingsOf(rows: readonly Association[]): BoundDevices {
  const odd: Remark[] = []
  const good = rows
    .map((row) => ({ ...row, sha256: row.sha256.toLowerCase() }))
    .filter(({ id, sha256 }) => {
      const fault =
        faultOfDeviceId(id) ??
        (SHA256.test(sha256) ? undefined : 'its SHA-256 is not 64 hexadecimal digits')
      if (fault !== undefined) {
        odd.push({
          what: 'bad_binding',
          about: id || '(empty)',
          detail: `It is left out: ${fault}.`,
        })
      }
      return fault === undefined
    })
  const owners = Map.groupBy(good, ({ sha256 }) => sha256)
  const isShared = ({ id, sha256 }: Association): boolean =>
    (owners.get(sha256) ?? []).some((other) => other.id !== id)
  for (const { id, sha256 } of good.filter(isShared)) {
    const detail = `Its certificate ${sha256} is bound to another id too, so that it proves neither.`
    odd.push({ what: 'binding_shared', about: id, detail })
  }
  const byId = Map.groupBy(
    good.filter((row) => !isShared(row)),
    ({ id }) => id,
  )
  const devices = [...byId]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([id, own]) => deviceOfBindings(id, own, odd))
  return { devices, odd }
}

function deviceOfBindings(id: string, rows: readonly Association[], odd: Remark[]): MovedDevice {
  const byTime = rows.toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
  const fingerprints = [...new Set(byTime.map(({ sha256 }) => sha256))]
  if (fingerprints.length > MOST.bindings) {
    const detail =
      `It has ${fingerprints.length} certificates, and the last ${MOST.bindings} of them are taken: ` +
      'export created_at too, if they are not in their order.'
    odd.push({ what: 'many_bindings', about: id, detail })
  }
  return {
    id,
    // NanoMDM's table does not say it. What a message of the device said counts.
    type: 'Device',
    source: 'nanomdm',
    channels: [],
    bindings: fingerprints.slice(-MOST.bindings).map((fingerprint) => ({ fingerprint })),
  }
}
