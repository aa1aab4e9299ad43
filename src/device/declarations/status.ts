import type { ChannelStates, StateEntry } from '../../ddm/states.ts'
import { mergeStatus } from '../../ddm/status/merge.ts'
import { cutText, type StatusValue } from '../../ddm/status/value.ts'
import type { ReportReading } from '../../ddm/status/report.ts'
import type { EventAbout, StateChange } from '../../events/event.ts'
import { noteChange } from '../standing/directory-row.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { presentManifest, saveManifest } from '../store/manifest-row.ts'
import type { ManifestRow } from '../store/rows/manifest.ts'
import { saveDevice } from '../store/rows/save.ts'
import { channelStates, statesIn } from './channel-states.ts'
import { CLIENT_CAPABILITIES } from './facts.ts'
import { keepReport, loadStatus, saveStatus } from './status-rows.ts'

/** A status report, read and bounded by the Worker. */
export interface TakenReport {
  readonly reading: ReportReading
  /** The report, or its beginning. */
  readonly text: string
  readonly bytes: number
}

/** What a report changed. */
export interface StatusEffect {
  readonly channel: ChannelStates | undefined
  readonly changes: readonly StateChange[]
  /** Status items with another value; `null` for one that is gone. */
  readonly items: NonNullable<EventAbout['items']>
}

const VERSION = 'device.operating-system.version'
const BUILD = 'device.operating-system.build-version'
/** Of both, in characters. They are columns of a list. */
const MAX_VERSION = 64

/** Items that decide what a channel is offered. */
const DECIDING: ReadonlySet<string> = new Set([
  CLIENT_CAPABILITIES,
  VERSION,
  'mdm.enrollment-type',
  'mdm.is-shared-ipad',
])

/** Bounds of an event: the items in it, and the value of one as JSON. The device's page has all of it. */
const MOST_ITEMS = 100
const LONGEST_VALUE = 4096

/** So often the time of the last report is written where a report says nothing new (milliseconds). */
const REPORTED_EVERY = 6 * 86_400_000

/**
 * Adds a status report to what is known of the channel. A report that says nothing new writes no row. That of
 * a channel that is offered nothing here is not kept.
 */
export function takeStatus(context: Context, channel: Channel, taken: TakenReport): StatusEffect {
  const { now } = context
  const { reading, text, bytes } = taken
  const manifest = presentManifest(context, channel)
  if (!manifest) {
    return { channel: undefined, changes: [], items: [] }
  }
  if (reading.kind === 'malformed') {
    keepReport(context, channel, { at: now, bytes, full: false, malformed: true, text })
    return { channel: undefined, changes: [], items: [] }
  }
  const before = loadStatus(context, channel)
  const offered = new Map(manifest.offered.map(({ identifier, token }) => [identifier, token]))
  const { report } = reading
  const { after, changedItems } = mergeStatus(before, report, offered, now)
  const states = statesIn(manifest, before.declarations)
  if (after !== before) {
    saveStatus(context, channel, before, after)
    keepReport(context, channel, { at: now, bytes, full: report.full, malformed: false, text })
    keepFacts(context, channel, after.items, changedItems)
  }
  const changes = changesOf(states, statesIn(manifest, after.declarations))
  noteReported(context, channel, manifest, after !== before)
  return {
    channel: channelStates(context, channel, after),
    changes,
    items: changedItems
      .slice(0, MOST_ITEMS)
      .map((name) => shownItem(name, after.items.get(name)?.value)),
  }
}

function shownItem(name: string, value: StatusValue = null) {
  const json = JSON.stringify(value)
  return { name, json: json.length > LONGEST_VALUE ? '"…"' : json }
}

function noteReported(
  context: Context,
  channel: Channel,
  manifest: ManifestRow,
  isNews: boolean,
): void {
  const { now } = context
  if (isNews || now - manifest.reportedAt > REPORTED_EVERY) {
    const version = Math.max(now, manifest.version + 1)
    saveManifest(context, channel, { ...manifest, reportedAt: now, version })
  }
}

/** The facts of the device are as fresh as its status: an update of its OS decides what it is offered. */
function keepFacts(
  context: Context,
  channel: Channel,
  items: ReadonlyMap<string, { readonly value: unknown }>,
  changed: readonly string[],
): void {
  const { device } = context.state
  const OSVersion = cutText(items.get(VERSION)?.value, MAX_VERSION)
  const BuildVersion = cutText(items.get(BUILD)?.value, MAX_VERSION) || device.facts.BuildVersion
  if (channel.id === 0 && OSVersion !== '' && OSVersion !== device.facts.OSVersion) {
    device.facts = { ...device.facts, OSVersion, BuildVersion }
    noteChange(context)
  }
  if (changed.some((name) => DECIDING.has(name))) {
    device.offeredEpoch = undefined
    saveDevice(context)
  }
}

function changesOf(before: readonly StateEntry[], after: readonly StateEntry[]): StateChange[] {
  const known = new Map(before.map((entry) => [entry.identifier, entry]))
  return after.flatMap((entry) => {
    const old = known.get(entry.identifier)
    return old?.state === entry.state && old.code === entry.code
      ? []
      : [{ ...entry, ...(old && { before: old.state }) }]
  })
}
