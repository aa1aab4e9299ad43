/** Status reports of declarative management (Apple: "StatusReport"). */
import { createHash } from 'node:crypto'
import type { ChannelFacts } from '../../../ddm/facts.ts'
import { KINDS, declarationKind } from '../../../ddm/kinds.ts'
import type { Reported } from '../../../ddm/states.ts'
import type { OperatingSystem } from '../os.ts'
import type { Hardware } from '../platforms.ts'
import { type Declaration, KIND_NAMES } from './declaration.ts'
import { type JsonData, recordsAt, stringIn } from './json.ts'
import { hasStatusItem, supportedDeclarations } from './supported.ts'
import { type Update, updateStatus } from './update.ts'

/** What a device knows of itself and of the channel. */
export interface StatusFacts {
  readonly facts: ChannelFacts
  readonly os: OperatingSystem
  readonly hardware: Hardware
  readonly udid: string
}

/** The status items that the channel has, by name. Those below `management.` are not among them. */
export function statusValues(
  { facts, os, hardware, udid }: StatusFacts,
  update: Update,
): Record<string, JsonData> {
  const { platform = 'macOS', enrollment, serialNumber } = facts
  const [family = ''] = /^[A-Za-z]+/.exec(hardware.productName) ?? []
  const values: Record<string, JsonData> = {
    // A User Enrollment hides them.
    ...(enrollment === 'user'
      ? {}
      : {
          'device.identifier.serial-number': serialNumber,
          'device.identifier.udid': udid,
        }),
    'device.model.family': family,
    'device.model.identifier': hardware.productName,
    'device.model.marketing-name': hardware.modelName,
    'device.model.number': hardware.model.replace(/\/.*/, ''),
    'device.operating-system.build-version': os.build,
    'device.operating-system.family': platform,
    'device.operating-system.marketing-name': `${platform} ${os.version}`,
    'device.operating-system.supplemental.build-version': os.build,
    'device.operating-system.supplemental.extra-version': '',
    'device.operating-system.version': os.version,
    ...updateStatus(update),
    'softwareupdate.device-id': hardware.softwareUpdateId,
  }
  return Object.fromEntries(Object.entries(values).filter(([name]) => hasStatusItem(name, facts)))
}

const CAPABILITIES = 'management.client-capabilities'
const DECLARATIONS = 'management.declarations'

/** Apple: "StatusManagementClientCapabilities". */
function capabilities(facts: ChannelFacts, items: readonly string[]): JsonData {
  const types = supportedDeclarations(facts)
  const lists = KIND_NAMES.map((kind) => [
    KINDS[kind].toLowerCase(),
    types.filter((type) => declarationKind(type) === kind),
  ])
  return {
    'supported-versions': ['1.0.0'],
    'supported-features': {},
    'supported-payloads': {
      declarations: Object.fromEntries(lists),
      'status-items': [DECLARATIONS, CAPABILITIES, ...items].toSorted(),
    },
  }
}

const SUBSCRIPTIONS = 'com.apple.configuration.management.status-subscriptions'

/** A subscribed item, and the subscription that began last: each beginning reports the item again. */
export function subscribedItems(
  states: readonly Reported[],
  held: ReadonlyMap<string, Declaration>,
): Map<string, string> {
  const items = new Map<string, string>()
  for (const { identifier, token, active, valid } of states) {
    const declaration = held.get(identifier)
    if (active && valid === 'valid' && declaration?.type === SUBSCRIPTIONS) {
      for (const item of recordsAt(declaration.payload, 'StatusItems')) {
        const name = stringIn(item, 'Name')
        items.set(name, `${items.get(name) ?? ''} ${identifier} ${token}`)
      }
    }
  }
  return items
}

/** Everything that a device could report. */
export interface Reportable {
  readonly states: readonly Reported[]
  readonly declarationKind: (identifier: string) => string
  readonly facts: ChannelFacts
  readonly values: Readonly<Record<string, JsonData>>
  /** See {@link subscribedItems}. */
  readonly subscribed: ReadonlyMap<string, string>
}

export interface ComposedReport {
  readonly body: object
  /** Whether something in it is new. */
  readonly hasNews: boolean
  /** To be kept when the report is delivered: what was reported, as hashes. */
  readonly reported: ReadonlyMap<string, string>
}

/** The report of what differs from the last one; with `full`, of everything. */
export function composeReport(
  { states, declarationKind: kind, facts, values, subscribed }: Reportable,
  before: ReadonlyMap<string, string>,
  full: boolean,
): ComposedReport {
  const reported = new Map<string, string>()
  const isNew = (name: string, value: unknown, mark = ''): boolean => {
    const hash = createHash('sha1')
      .update(mark + JSON.stringify(value))
      .digest('base64')
    reported.set(name, hash)
    return full || before.get(name) !== hash
  }
  const names = [...subscribed.keys()].filter((name) => !name.startsWith('management.'))
  const items: Item[] = names
    .map((name) => [name, values[name]] as const)
    .filter(([name, value]) => value !== undefined && isNew(name, value, subscribed.get(name)))
  const own = capabilities(facts, Object.keys(values))
  if (isNew(CAPABILITIES, own, facts.osVersion)) {
    items.push([CAPABILITIES, own])
  }
  const changed = states.filter((state) => isNew(OWN + state.identifier, entry(state)))
  const lists = KIND_NAMES.map((name) => [
    KINDS[name].toLowerCase(),
    changed.filter(({ identifier }) => kind(identifier) === name).map(entry),
  ])
  const isOneGone = [...before.keys()].some((name) => name.startsWith(OWN) && !reported.has(name))
  if (changed.length > 0 || isOneGone || full) {
    items.push([DECLARATIONS, Object.fromEntries(lists)])
  }
  const errors = names
    .filter((name) => values[name] === undefined && isNew(`error ${name}`, name))
    .map((name) => ({ StatusItem: name, Reasons: [{ Code: 'Error.NotSupported' }] }))
  return {
    body: { StatusItems: nested(items), Errors: errors, ...(full ? { FullReport: true } : {}) },
    hasNews: items.length + errors.length > 0,
    reported,
  }
}

/** Begins the names of declarations among what was reported. */
const OWN = 'declaration '

function entry({ identifier, token, active, valid, reasons }: Reported): object {
  const told = reasons.length > 0 ? { reasons } : {}
  return { identifier, 'server-token': token, active, valid, ...told }
}

type Item = readonly [name: string, value: unknown]

/** Items nest by the dots of their names. No name begins another one. */
function nested(items: readonly Item[]): object {
  const groups = Map.groupBy(items, ([name]) => name.split('.')[0] ?? '')
  const entries = [...groups].map(([first, inside]) => {
    const whole = inside.find(([name]) => name === first)
    const rest = inside.map(([name, value]) => [name.slice(first.length + 1), value] as const)
    return [first, whole ? whole[1] : nested(rest)]
  })
  return Object.fromEntries(entries)
}
