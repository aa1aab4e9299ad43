import { isDestructiveCommand } from '../../commands/table.ts'
import { splitEnrollmentId } from '../../mdm/enrollment.ts'
import { isDevice } from '../store/address.ts'
import type { CommandRef } from './lookup.ts'
import { findCommand, isHere } from './lookup.ts'
import { wakeBy, type Context } from '../store/context.ts'
import type { Claim } from '../enrolment/identity.ts'
import { recalledChannel } from '../store/channels.ts'
import { PUSH_FALLBACK, queueOf, readWindow } from './window.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { saveDevice } from '../store/state.ts'

/**
 * Why a command is kept from going out. `arrival`: it waits for a device that has never enrolled, and any device may enrol with
 * that id; or a user channel was called like that first, and may be meant. `contest`: the device's enrolment is not proven yet.
 * `earlier`: it was queued for the enrolment before that. `review`: it loses data, and what it was queued for is over, or was never
 * proven. An admin releases it; the end of a contest lets go what is held for that.
 */
export type HeldFor = 'arrival' | 'contest' | 'earlier' | 'review'

/** Whether a new command is held, and for what. */
export function heldFor(
  { state }: Context,
  { secret, requestType }: { readonly secret: boolean; readonly requestType: string },
): HeldFor | undefined {
  const { device } = state
  const isRemoval = device.contest !== undefined && requestType === 'RemoveProfile'
  if (!secret && !isRemoval && !isDestructiveCommand(requestType)) {
    return undefined
  }
  if (device.state === 'unknown' || device.namesake !== '') {
    return 'arrival'
  }
  return device.contest ? 'contest' : undefined
}

/** A device is there for the first time: somebody should look at it if its id is a user's, or something is held for it. */
export function noteArrival(
  { db, name, state, effects }: Context,
  namesakes: Claim['namesakes'],
): void {
  if (namesakes) {
    state.device.namesake = namesakes.used ? 'contested' : 'called'
    effects.notes.push({
      event: 'mdm:id-is-a-users',
      device: name,
      other_devices: namesakes.ids.map((id) => splitEnrollmentId(id).device).join(', '),
    })
  }
  const [held] =
    state.device.schema === 0
      ? []
      : db.all<{ commands: number }>(
          "SELECT count(*) AS commands FROM commands WHERE state = 'held'",
        )
  if (held && held.commands > 0) {
    effects.notes.push({ event: 'mdm:commands-held', device: name, commands: held.commands })
  }
}

export type Released =
  | { readonly kind: 'released'; readonly released: number }
  /** No device has enrolled under the id yet, so there is none to look at. */
  | { readonly kind: 'unenrolled' }
  | { readonly kind: 'unknown' }

/** Lets held commands go out in their order: that of `ref`, or all of the channel; of the device channel, those of its users too. */
export function releaseHeld(context: Context, user: string, ref: CommandRef | undefined): Released {
  const channel = recalledChannel(context, user)
  const found = ref && findCommand(context, user, ref)
  if (!channel || (ref && !isHere(context, user, ref))) {
    return { kind: 'unknown' }
  }
  if (!isDevice(context)) {
    return { kind: 'unenrolled' }
  }
  if (user === '' && ref === undefined) {
    endNamesake(context)
  }
  const first = channel.id * CHANNEL_SPAN
  const last = user === '' ? Number.MAX_SAFE_INTEGER : first + CHANNEL_SPAN - 1
  const rows = context.db.all<{ id: number }>(
    `UPDATE commands SET state = 'queued', held_for = '', rounds = 0, handed_out_at = 0
      WHERE id BETWEEN ? AND ? AND state = 'held' AND NOT (? AND held_for IN ('contest', 'earlier')) RETURNING id`,
    found?.row ?? first,
    found?.row ?? last,
    // What is held for a contest goes with its end, or by itself.
    Number(ref === undefined && context.state.device.contest !== undefined),
  )
  for (const id of new Set(rows.map((row) => Math.floor(row.id / CHANNEL_SPAN)))) {
    readAnew(context, id)
  }
  return { kind: 'released', released: rows.length }
}

/** The device is meant by its id. The release of a single command, or of a user, says nothing of that. */
function endNamesake({ db, state }: Context): void {
  if (state.device.namesake !== '') {
    state.device.namesake = ''
    saveDevice(db, state.device)
  }
}

function readAnew(context: Context, id: number): void {
  const channel = context.state.channels.find((one) => one.id === id)
  if (!channel) {
    return
  }
  readWindow(context, channel, queueOf(context, channel))
  if (channel.token !== null) {
    context.effects.push.add(channel.id)
    wakeBy(context, context.now + PUSH_FALLBACK)
  }
}
