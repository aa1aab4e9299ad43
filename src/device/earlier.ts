/** Enrolments that are kept while a newer one is contested. Few devices ever have one. */
import { Buffer } from 'node:buffer'
import type { Contest } from './contest.ts'
import type { Context } from './context.ts'
import type { Db } from './db.ts'
import { everyChannel } from './parking.ts'
import type { Channel, DeviceRow } from './state.ts'

/** What a channel of it had; the token is base64. */
export type KeptChannel = Pick<
  Channel,
  'enabled' | 'tokenAt' | 'magic' | 'topic' | 'tally' | 'awaitingConfiguration' | 'declarations'
> & { readonly token: string }

export interface Earlier {
  readonly epoch: number
  /** When the newer one began (milliseconds). */
  readonly parkedAt: number
  /** CommandUUID of the DeviceInformation that its identity is to acknowledge; empty before it came. */
  readonly probe: string
  /** Its own contest, if it was not proven either. */
  readonly contest: Contest | undefined
  readonly device: Pick<
    DeviceRow,
    'state' | 'type' | 'facts' | 'installed' | 'claimedAt' | 'renewedAt'
  >
  /** By the channels' numbers. */
  readonly channels: Readonly<Record<number, KeptChannel>>
}

/** Keeps the present enrolment as it is. */
export function keepEarlier(context: Context): void {
  const { db, state, now } = context
  const { epoch, contest, ...device } = state.device
  const { state: stage, type, facts, installed, claimedAt, renewedAt } = device
  const channels = Object.fromEntries(
    everyChannel(context).map((channel) => {
      const { enabled, token, tokenAt, magic, topic, tally } = channel
      const { awaitingConfiguration, declarations } = channel
      const text = token === null ? '' : Buffer.from(token).toString('base64')
      const kept = { enabled, token: text, tokenAt, magic, topic, tally }
      return [channel.id, { ...kept, awaitingConfiguration, declarations }]
    }),
  )
  db.run(
    'INSERT INTO earlier (epoch, parked_at, probe, contest, device, channels) VALUES (?, ?, ?, ?, ?, ?)',
    epoch,
    now,
    '',
    contest ? JSON.stringify(contest) : '',
    JSON.stringify({ state: stage, type, facts, installed, claimedAt, renewedAt }),
    JSON.stringify(channels),
  )
}

export function readEarlier(db: Db, epoch: number): Earlier | undefined {
  const [row] = db.all<{
    epoch: number
    parkedAt: number
    probe: string
    contest: string
    device: string
    channels: string
  }>(
    'SELECT epoch, parked_at AS parkedAt, probe, contest, device, channels FROM earlier WHERE epoch = ?',
    epoch,
  )
  return (
    row && {
      ...row,
      contest: row.contest === '' ? undefined : JSON.parse(row.contest),
      device: JSON.parse(row.device),
      channels: JSON.parse(row.channels),
    }
  )
}

/** Where a kept enrolment can be pushed that had not come to its first TokenUpdate. @returns false where it had */
export function keepFirstToken(
  db: Db,
  epoch: number,
  told: { readonly token: Uint8Array; readonly magic: string; readonly topic: string },
): boolean {
  const kept = readEarlier(db, epoch)
  const channel = kept?.channels[0]
  if (!kept || !channel || channel.token !== '') {
    return false
  }
  const token = Buffer.from(told.token).toString('base64')
  db.run(
    'UPDATE earlier SET device = ?, channels = ? WHERE epoch = ?',
    JSON.stringify({ ...kept.device, state: 'enrolled' }),
    JSON.stringify({ ...kept.channels, 0: { ...channel, ...told, token, enabled: true } }),
    epoch,
  )
  return true
}

/** Which command its identity has to acknowledge from now on. */
export function rememberProbe(db: Db, epoch: number, probe: string): void {
  db.run('UPDATE earlier SET probe = ? WHERE epoch = ?', probe, epoch)
}

export function dropEarlier(db: Db, epochs: readonly number[]): void {
  db.run(
    'DELETE FROM earlier WHERE epoch IN (SELECT value FROM json_each(?))',
    JSON.stringify(epochs),
  )
}
