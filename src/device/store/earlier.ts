/** Enrolments that are kept while a newer one is contested. Few devices have any. */
import { Buffer } from 'node:buffer'
import { dropParts, loadBody, storeApart, type Bodies } from '../../storage/bodies.ts'
import type { Context } from './context.ts'
import { everyChannel } from './channels.ts'
import type { Channel } from './channel-row.ts'
import type { DeviceRow } from './rows/device.ts'
import type { EarlierRow } from './rows/earlier.ts'
import { saveDevice } from './rows/save.ts'

/** A channel of a kept enrolment; the token is base64. */
export type KeptChannel = Pick<
  Channel,
  | 'user'
  | 'enabled'
  | 'tokenAt'
  | 'magic'
  | 'topic'
  | 'tally'
  | 'awaitingConfiguration'
  | 'declarations'
> & { readonly token: string }

export interface Earlier extends EarlierRow {
  /** The device's own first. */
  readonly channels: readonly KeptChannel[]
}

/** Keeps the present enrolment as it is. */
export function keepEarlier(context: Context): void {
  const { state: held, now } = context
  const { epoch, contest, state, type, facts, installed, claimedAt, renewedAt } = held.device
  const channels = everyChannel(context).map((channel): KeptChannel => {
    const { user, enabled, token, tokenAt, magic, topic, tally } = channel
    const { awaitingConfiguration, declarations } = channel
    const text = token === null ? '' : Buffer.from(token).toString('base64')
    const kept = { user, enabled, token: text, tokenAt, magic, topic, tally }
    return { ...kept, awaitingConfiguration, declarations }
  })
  storeChannels(context, epoch, channels)
  const kept: EarlierRow = {
    epoch,
    parkedAt: now,
    proven: contest === undefined,
    since: contest?.since ?? 0,
    renewal: contest?.renewal ?? [],
    probe: '',
    // A copy: the device goes on to change its own.
    device: structuredClone({ state, type, facts, installed, claimedAt, renewedAt }),
  }
  held.earlier = [...held.earlier, kept]
  saveDevice(context)
}

/** The channels of hundreds of users may be longer than a row can be. */
function storeChannels(bodies: Bodies, epoch: number, channels: readonly KeptChannel[]): void {
  storeApart(bodies, 'earlier', epoch, new TextEncoder().encode(JSON.stringify(channels)))
}

export function readEarlier(context: Context, epoch: number): Earlier | undefined {
  const kept = context.state.earlier.find((one) => one.epoch === epoch)
  if (!kept) {
    return undefined
  }
  const body = loadBody(context, 'earlier', epoch, null, true)
  return { ...kept, channels: JSON.parse(new TextDecoder().decode(body)) }
}

/** The enrolment from before any contest. Facts that unproven enrolments have reported since do not count. */
export function established(context: Context): Pick<DeviceRow, 'state' | 'facts' | 'installed'> {
  const { device } = context.state
  const [first] = device.contest?.earlier ?? []
  const kept = first === undefined ? undefined : readEarlier(context, first)
  return kept?.device ?? device
}

/** Completes a kept enrolment: the device channel has this token from now on. */
export function finishEarlier(
  context: Context,
  { epoch, device, channels }: Earlier,
  update: Partial<KeptChannel>,
): void {
  const [own, ...users] = channels
  dropParts(context.db, 'earlier', epoch)
  storeChannels(context, epoch, own ? [{ ...own, ...update, enabled: true }, ...users] : users)
  changeEarlier(context, epoch, { device: { ...device, state: 'enrolled' } })
}

/** Stores which command the identity has to acknowledge from now on. */
export function saveProbe(context: Context, epoch: number, probe: string): void {
  changeEarlier(context, epoch, { probe })
}

function changeEarlier(context: Context, epoch: number, changes: Partial<EarlierRow>): void {
  const { state } = context
  state.earlier = state.earlier.map((one) => (one.epoch === epoch ? { ...one, ...changes } : one))
  saveDevice(context)
}

export function dropEarlier(context: Context, epochs: readonly number[]): void {
  const { state, db } = context
  state.earlier = state.earlier.filter(({ epoch }) => !epochs.includes(epoch))
  saveDevice(context)
  for (const epoch of epochs) {
    dropParts(db, 'earlier', epoch)
  }
}
