/** An answer as blocks to read: which, by the type of its command. */
import { titleOfKey } from '../../command-types/key-words.ts'
import { isJsonKeys, type Json, type JsonObject } from '../composer/draft.ts'
import { cellOf, NOTHING, cellWords, type Cell } from './cell.ts'
import { certificateFacts } from './certificate.ts'
import { INFORMATION, LISTS, type Label } from './labels.ts'
import { securityFacts } from './security.ts'

export interface TableBlock {
  readonly kind: 'table'
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

export type Block =
  | {
      readonly kind: 'facts'
      readonly title: string
      readonly facts: readonly (readonly [label: string, cell: Cell])[]
    }
  | TableBlock
  | {
      readonly kind: 'place'
      readonly latitude: number
      readonly longitude: number
      /** In metres. */
      readonly accuracy: number | undefined
      readonly at: string | undefined
    }

/** Keys of every report (Apple, “Commands and Queries”); the card of the command tells them. */
const ENVELOPE = new Set([
  'CommandUUID',
  'RequestType',
  'Status',
  'ErrorChain',
  'UDID',
  'UserID',
  'UserShortName',
  'UserLongName',
  'EnrollmentID',
  'EnrollmentUserID',
  'NotOnConsole',
])

/**
 * The blocks of an answer; none if it says no more than its status.
 *
 * @param fingerprints of certificates, by their base64, as far as they are known
 */
export function blocksOf(
  requestType: string,
  result: JsonObject,
  fingerprints: Fingerprints = new Map(),
): readonly Block[] {
  const own = Object.fromEntries(Object.entries(result).filter(([key]) => !ENVELOPE.has(key)))
  const view = VIEWS[requestType]?.(own, fingerprints) ?? listBlocks(requestType, own)
  return view ?? factBlock(titleOfKey(requestType), own, new Set())
}

type Fingerprints = ReadonlyMap<string, string>
type View = (own: JsonObject, fingerprints: Fingerprints) => readonly Block[] | undefined

const VIEWS: Readonly<Record<string, View>> = {
  DeviceInformation: ({ QueryResponses: answers, ...others }) =>
    isJsonKeys(answers)
      ? [...informationBlocks(answers), ...factBlock('Other', others, new Set())]
      : undefined,
  SecurityInfo: ({ SecurityInfo: info, ...others }) => {
    if (!isJsonKeys(info)) {
      return undefined
    }
    const { facts, rest } = securityFacts(info)
    return [
      { kind: 'facts', title: 'Security', facts },
      ...factBlock('Other', { ...rest, ...others }, new Set()),
    ]
  },
  DeviceLocation: placeBlocks,
  ProfileList: ({ ProfileList: list, ...others }) => withOthers(profileTable(list), others),
  CertificateList: ({ CertificateList: list, ...others }, fingerprints) =>
    withOthers(certificateTable(list, fingerprints), others),
}

function informationBlocks(answers: JsonObject): readonly Block[] {
  const known = new Set(Object.values(INFORMATION).flatMap((rows) => rows.map(([key]) => key)))
  const sections = Object.entries(INFORMATION).map(([title, rows]) => ({
    kind: 'facts' as const,
    title,
    facts: rows.flatMap(([key, label, unit]) =>
      answers[key] === undefined
        ? []
        : [[label, freeCell(key, answers) ?? cellOf(answers[key], unit)] as const],
    ),
  }))
  return [
    ...sections.filter(({ facts }) => facts.length > 0),
    ...factBlock('Other', answers, known),
  ]
}

/** The free part of the storage, as a share of all. */
function freeCell(key: string, answers: JsonObject): Cell | undefined {
  const { DeviceCapacity: all, AvailableDeviceCapacity: free } = answers
  if (key !== 'AvailableDeviceCapacity' || typeof all !== 'number' || typeof free !== 'number') {
    return undefined
  }
  return { kind: 'share', value: free, of: all, text: cellWords(cellOf(free, 'gigabytes')) }
}

function factBlock(title: string, own: JsonObject, known: ReadonlySet<string>): readonly Block[] {
  const facts = Object.entries(own)
    .filter(([key]) => !known.has(key))
    .map(([key, value]) => [titleOfKey(key), cellOf(value)] as const)
  return facts.length === 0 ? [] : [{ kind: 'facts', title, facts }]
}

function listBlocks(requestType: string, own: JsonObject): readonly Block[] | undefined {
  const list = LISTS[requestType]
  if (!list) {
    return undefined
  }
  const { [list.key]: value, ...others } = own
  const rows = rowsIn(value)
  return withOthers(rows && tableOf(titleOfKey(requestType), list.columns, rows), others)
}

function withOthers(block: Block | undefined, others: JsonObject): readonly Block[] | undefined {
  return block && [block, ...factBlock('Other', others, new Set())]
}

/** The dictionaries of a list, or those of a dictionary of them, by their names as `Identifier`. */
function rowsIn(value: Json | undefined): readonly JsonObject[] | undefined {
  if (Array.isArray(value)) {
    const items: readonly Json[] = value
    return items.filter(isJsonKeys)
  }
  return isJsonKeys(value)
    ? Object.entries(value).map(([name, inner]) => ({
        Identifier: name,
        ...(isJsonKeys(inner) ? inner : { Value: inner }),
      }))
    : undefined
}

/** Columns that no row fills are left out. */
function tableOf(
  title: string,
  columns: readonly Label[],
  rows: readonly JsonObject[],
): TableBlock {
  const used = columns.filter(([key], n) => n === 0 || rows.some((row) => row[key] !== undefined))
  return {
    kind: 'table',
    title,
    columns: used.map(([, label]) => label),
    rows: rows.map((row) => used.map(([key, , unit]) => cellOf(row[key], unit))),
  }
}

function placeBlocks(own: JsonObject): readonly Block[] | undefined {
  const { Latitude: latitude, Longitude: longitude, ...others } = own
  if (typeof latitude !== 'number' || typeof longitude !== 'number') {
    return undefined
  }
  const { HorizontalAccuracy: accuracy, Timestamp: at } = own
  return [
    {
      kind: 'place',
      latitude,
      longitude,
      accuracy: typeof accuracy === 'number' && accuracy >= 0 ? accuracy : undefined,
      at: typeof at === 'string' ? at : undefined,
    },
    ...factBlock('Other', others, new Set(['HorizontalAccuracy', 'Timestamp'])),
  ]
}

const PROFILE: readonly Label[] = [
  ['PayloadDisplayName', 'Name'],
  ['PayloadIdentifier', 'Identifier', 'mono'],
  ['PayloadOrganization', 'Organisation'],
  ['Contents', 'Payloads'],
  ['IsManaged', 'Managed'],
  ['IsEncrypted', 'Encrypted'],
  ['PayloadUUID', 'UUID', 'mono'],
]

function profileTable(list: Json | undefined): Block | undefined {
  const rows = rowsIn(list)?.map((row) => ({
    ...row,
    PayloadDisplayName: row['PayloadDisplayName'] ?? row['PayloadIdentifier'] ?? '',
    Contents: (rowsIn(row['PayloadContent']) ?? []).map(({ PayloadType: type = '' }) => type),
  }))
  return rows && tableOf('Profiles', PROFILE, rows)
}

function certificateTable(list: Json | undefined, fingerprints: Fingerprints): Block | undefined {
  const rows = rowsIn(list)?.map((row) => {
    const { CommonName: name, Data: data, IsIdentity: isIdentity } = row
    const facts = typeof data === 'string' ? certificateFacts(data) : undefined
    const hash = typeof data === 'string' ? fingerprints.get(data) : undefined
    return [
      cellOf(name ?? facts?.subject),
      cellOf(facts?.issuer),
      facts ? ({ kind: 'end', at: facts.notAfter } as const) : NOTHING,
      cellOf(isIdentity),
      cellOf(facts?.serial, 'mono'),
      hash === undefined ? NOTHING : ({ kind: 'copied', text: hash } as const),
    ]
  })
  const columns = ['Name', 'Issuer', 'Validity', 'Identity', 'Serial number', 'SHA-256']
  return rows && { kind: 'table', title: 'Certificates', columns, rows }
}

/** A table as CSV (RFC 4180). A cell that a spreadsheet would run as a formula gets a quote before it. */
export function csvOf({ columns, rows }: TableBlock): string {
  const lines = [columns, ...rows.map((row) => row.map(cellWords))]
  return lines.map((line) => line.map(csvCell).join(',')).join('\r\n')
}

function csvCell(words: string): string {
  const safe = /^[=+\-@\t\r]/.test(words) ? `'${words}` : words
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
