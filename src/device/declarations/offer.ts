import { itemsFor, type Offer } from '../../ddm/manifest/offer.ts'
import { manifestOf, type Manifest } from '../../ddm/manifest/manifest.ts'
import { matchesRule } from '../../ddm/manifest/rule.ts'
import type { ChannelStates } from '../../ddm/states.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import type { Channel } from '../store/channel-row.ts'
import { isOvercrowded } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import { dropReports, manifestOfChannel, saveManifest } from '../store/manifest-row.ts'
import type { ManifestRow } from '../store/rows/manifest.ts'
import { saveDevice } from '../store/rows/save.ts'
import { withBuiltIn } from './built-in.ts'
import { dropSynchronise, isAsked, queueSynchronise } from './command.ts'
import { channelFacts, isInDoubt, variableValues } from './facts.ts'
import { channelStates } from './channel-states.ts'
import { forgetReported } from './status-rows.ts'

export interface OfferTerms {
  /** Names the commands. */
  readonly uuid: string
  /** Channels synchronise even without a change, unless they were asked to since then (milliseconds). */
  readonly forcedAt?: number | undefined
}

/** `later`: it is not decided whether this is the device. `unknown`: no device is enrolled here. */
export type OfferTaken =
  | { readonly kind: 'offered'; readonly channels: readonly ChannelStates[] }
  | { readonly kind: 'preview'; readonly channels: readonly PreviewedChannel[] }
  | { readonly kind: 'unknown' | 'later' }

export interface PreviewedChannel extends Pick<Manifest, 'withheld'> {
  /** The enrolment id. */
  readonly enrollment: string
  /** Identifiers. */
  readonly offered: readonly string[]
}

/**
 * Takes what the catalog has for this device. Each channel is offered what it can take, and is asked to
 * synchronise if its list has changed. The same offer again changes nothing. Without `terms` it only tells
 * what the channels would be offered.
 */
export function offerDeclarations(
  context: Context,
  offer: Offer,
  terms: OfferTerms | undefined,
): OfferTaken {
  const { device, channels } = context.state
  if (device.state !== 'enrolled' || device.hidden) {
    return { kind: 'unknown' }
  }
  const enabled = channels.filter((channel) => channel.enabled)
  if (!terms) {
    return { kind: 'preview', channels: enabled.map((channel) => preview(context, channel, offer)) }
  }
  if (isInDoubt(context)) {
    return { kind: 'later' }
  }
  if (device.offeredEpoch !== device.epoch) {
    device.offeredEpoch = device.epoch
    saveDevice(context)
  }
  const taken = enabled.filter((channel) => offerToChannel(context, channel, offer, terms))
  return { kind: 'offered', channels: taken.map((channel) => channelStates(context, channel)) }
}

function preview(context: Context, channel: Channel, offer: Offer): PreviewedChannel {
  const resends = manifestOfChannel(context, channel)?.resends ?? {}
  const { offered, withheld } = manifestFor(context, channel, offer, resends)
  return {
    enrollment: enrollmentId(context.name, channel.user),
    offered: offered.map(({ identifier }) => identifier),
    withheld,
  }
}

/** @returns whether the channel has a list */
function offerToChannel(
  context: Context,
  channel: Channel,
  offer: Offer,
  { uuid, forcedAt }: OfferTerms,
): boolean {
  const { epoch } = context.state.device
  const stored = manifestOfChannel(context, channel)
  if (stored?.epoch === epoch && stored.revision > offer.revision) {
    return true
  }
  const manifest = manifestFor(context, channel, offer, stored?.resends ?? {})
  if (!stored && manifest.offered.length === 0 && manifest.withheld.length === 0) {
    // Declarative management is never turned on where there is nothing to declare: it cannot be turned off.
    return false
  }
  const before = stored ?? NEW_ROW
  if (before.epoch !== epoch) {
    dropReports(context, channel.id)
  }
  const row = nextRow(context, before, { ...manifest, revision: offer.revision })
  forgetReported(context, channel, before, row)
  const isForced = forcedAt !== undefined && row.commandedAt < forcedAt
  // Declarative management cannot be turned off, so nothing but withheld declarations does not turn it on.
  const isOn = row.offered.length > 0 || row.commanded !== ''
  const asked = isOn ? ask(context, channel, row, { uuid, isForced }) : row
  if (JSON.stringify(asked) !== JSON.stringify(stored)) {
    saveManifest(context, channel, asked)
  }
  return true
}

/** What a channel is offered of the catalog. */
function manifestFor(
  context: Context,
  channel: Channel,
  offer: Offer,
  resends: ManifestRow['resends'],
): Manifest {
  const facts = channelFacts(context, channel)
  const members = new Set(offer.members[channel.user])
  const items = itemsFor(
    offer,
    ({ name, rule }) =>
      members.has(name) || (rule !== undefined && matchesRule(rule, facts, members)),
  )
  const id = enrollmentId(context.name, channel.user)
  const values = variableValues(context, channel)
  return withBuiltIn(context, channel, manifestOf(items, { facts, id, values, resends }))
}

/** Of an enrolment that has been offered nothing yet: the device knows no list. */
const NEW_ROW: ManifestRow = {
  offered: [],
  withheld: [],
  token: '',
  revision: 0,
  epoch: 0,
  changedAt: 0,
  commanded: '',
  commandedAt: 0,
  seen: '',
  reportedAt: 0,
  version: 0,
  resends: {},
}

/** @param stored the row before, which may be of an earlier enrolment */
function nextRow(
  { state, now }: Context,
  stored: ManifestRow,
  manifest: Manifest & Pick<ManifestRow, 'revision'>,
): ManifestRow {
  const { epoch } = state.device
  const { changedAt, version, resends } = stored
  const before = stored.epoch === epoch ? stored : { ...NEW_ROW, resends }
  const isSame = before.token === manifest.token
  const isWithheldSame = JSON.stringify(before.withheld) === JSON.stringify(manifest.withheld)
  return {
    ...before,
    ...manifest,
    epoch,
    // The newest of several token sets wins on a device, so the time never goes back.
    changedAt: isSame ? before.changedAt : Math.max(now, changedAt + 1000),
    version: isSame && isWithheldSame ? before.version : Math.max(now, version + 1),
  }
}

/** A device that acknowledged the command fetches its list within seconds (milliseconds). */
const LOST_AFTER = 3_600_000

/** Asks a channel to synchronise, if it does not have its list or if that is forced. */
export function ask(
  context: Context,
  channel: Channel,
  row: ManifestRow,
  { uuid, isForced }: { readonly uuid: string; readonly isForced: boolean },
): ManifestRow {
  if (row.token === row.seen && !isForced) {
    if (row.commanded !== row.token) {
      dropSynchronise(context, channel)
    }
    return { ...row, commanded: row.token }
  }
  const isWaiting = isAsked(context, channel)
  // A command may be cancelled, or fail: then an offer after a while asks again.
  const isLost = !isWaiting && context.now - row.commandedAt > LOST_AFTER
  if (row.commanded === row.token && (isForced ? isWaiting : !isLost)) {
    return row
  }
  if (channel.id > 0 && isOvercrowded(context)) {
    return row
  }
  queueSynchronise(context, channel, row, uuid)
  return { ...row, commanded: row.token, commandedAt: context.now }
}
