/** A device's record for another server, which takes it as check-in messages. */
import { Buffer } from 'node:buffer'
import { deviceTypeOf } from '../../mdm/enrollment.ts'
import type { MovedChannel, MovedDevice } from '../../migration/moved.ts'
import { enrollmentOfChannel, type Channel } from '../store/channel-row.ts'
import { everyChannel } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import { recordRead, type EscrowReader } from '../store/escrow/reads.ts'
import { loadEscrow } from '../store/escrow/tokens.ts'
import type { DeviceRow } from '../store/rows/device.ts'

export type ExportedRecord = Omit<MovedDevice, 'source' | 'bindings'>

/** `left_out`: there is no enrolment that could go to another server, or it is not known which one. */
export type Exported =
  | { readonly kind: 'exported'; readonly record: ExportedRecord; readonly unproven: boolean }
  | { readonly kind: 'left_out'; readonly why: 'contested' | 'not_enrolled' | 'no_push_token' }

/**
 * The record of an enrolled device, with its tokens and its users. It has secrets, so the entry about the
 * reading is part of the same commit.
 */
export function exportRecord(context: Context, reader: EscrowReader): Exported {
  const { device } = context.state
  if (device.contest) {
    return { kind: 'left_out', why: 'contested' }
  }
  if (device.state !== 'enrolled') {
    return { kind: 'left_out', why: 'not_enrolled' }
  }
  const channels = everyChannel(context).filter(({ enabled, token }) => enabled && token !== null)
  if (!channels.some(({ user }) => user === '')) {
    return { kind: 'left_out', why: 'no_push_token' }
  }
  recordRead(context, 'export', 0, reader)
  const { name: id, facts, blocked } = device
  const type = deviceTypeOf({ type: device.type, device: id, user: '' })
  const record = {
    id,
    type,
    state: 'enrolled',
    facts,
    blocked,
    channels: channels.map((channel) => exportedChannel(device, channel)),
    unlockToken: base64Of(loadEscrow(context, 'unlock_token')),
    bootstrapToken: base64Of(loadEscrow(context, 'bootstrap_token')),
  } as const
  return { kind: 'exported', record, unproven: device.moved?.unproven === true }
}

/** The form of a Mac's UserID. A parked user has no claim to it, as the users of a Shared iPad have none. */
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

function exportedChannel(device: DeviceRow, channel: Channel): MovedChannel {
  const { user, token, magic, topic, awaitingConfiguration } = channel
  const isSharedIPad =
    enrollmentOfChannel(device, channel).type === 'Shared iPad' && !UUID.test(user)
  const text = base64Of(token ?? undefined)
  return { user, isSharedIPad, token: text, magic, topic, awaitingConfiguration }
}

function base64Of(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64')
}
