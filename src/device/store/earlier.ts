/** Enrolments that are kept while a newer one is contested. Few devices have any. */
import { Buffer } from 'node:buffer'
import { dropParts, loadBody, storeBody, type Bodies } from '../../storage/bodies.ts'
import type { Context } from './context.ts'
import type { Db } from '../../storage/db.ts'
import { everyChannel } from './channels.ts'
import type { Channel } from './channel-row.ts'
import type { DeviceRow } from './device-row.ts'

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

export interface Earlier {
  readonly epoch: number
  /** When another enrolment began to be served (milliseconds). */
  readonly parkedAt: number
  /** It is the enrolment from before the contest. */
  readonly proven: boolean
  /** When its own contest began, and the profiles that may have renewed its identity. */
  readonly since: number
  readonly renewal: readonly string[]
  /** CommandUUID of the DeviceInformation that its identity has to acknowledge; empty before it connects. */
  readonly probe: string
  readonly device: Pick<
    DeviceRow,
    'state' | 'type' | 'facts' | 'installed' | 'claimedAt' | 'renewedAt'
  >
  /** The device's own first. */
  readonly channels: readonly KeptChannel[]
}

/** SQL: the times since which the kept enrolments are kept. */
export const KEPT_SINCE = 'SELECT parked_at FROM earlier'

/** Keeps the present enrolment as it is. */
export function keepEarlier(context: Context): void {
  const { db, state: held, now } = context
  const { epoch, contest, state, type, facts, installed, claimedAt, renewedAt } = held.device
  const channels = everyChannel(context).map((channel): KeptChannel => {
    const { user, enabled, token, tokenAt, magic, topic, tally } = channel
    const { awaitingConfiguration, declarations } = channel
    const text = token === null ? '' : Buffer.from(token).toString('base64')
    const kept = { user, enabled, token: text, tokenAt, magic, topic, tally }
    return { ...kept, awaitingConfiguration, declarations }
  })
  db.run(
    `INSERT INTO earlier (epoch, parked_at, proven, since, renewal, probe, device, channels)
      VALUES (?, ?, ?, ?, ?, '', ?, ?)`,
    epoch,
    now,
    Number(contest === undefined),
    contest?.since ?? 0,
    JSON.stringify(contest?.renewal ?? []),
    JSON.stringify({ state, type, facts, installed, claimedAt, renewedAt }),
    storeChannels(context, epoch, channels),
  )
}

/** The channels of hundreds of users may be longer than a row can be. */
function storeChannels(
  bodies: Bodies,
  epoch: number,
  channels: readonly KeptChannel[],
): Uint8Array | null {
  const body = new TextEncoder().encode(JSON.stringify(channels))
  return storeBody(bodies, 'earlier', epoch, body, true)
}

export function readEarlier(bodies: Bodies, epoch: number): Earlier | undefined {
  const [row] = bodies.db.all<{
    epoch: number
    parkedAt: number
    proven: number
    since: number
    renewal: string
    probe: string
    device: string
    channels: ArrayBuffer | Uint8Array | null
  }>(
    `SELECT epoch, parked_at AS parkedAt, proven, since, renewal, probe, device, channels FROM earlier
      WHERE epoch = ?`,
    epoch,
  )
  return (
    row && {
      ...row,
      proven: row.proven === 1,
      renewal: JSON.parse(row.renewal),
      device: JSON.parse(row.device),
      channels: JSON.parse(
        new TextDecoder().decode(loadBody(bodies, 'earlier', epoch, row.channels, true)),
      ),
    }
  )
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
  bodies: Bodies,
  { epoch, device, channels }: Earlier,
  update: Partial<KeptChannel>,
): void {
  const [own, ...users] = channels
  dropParts(bodies.db, 'earlier', epoch)
  bodies.db.run(
    'UPDATE earlier SET device = ?, channels = ? WHERE epoch = ?',
    JSON.stringify({ ...device, state: 'enrolled' }),
    own ? storeChannels(bodies, epoch, [{ ...own, ...update, enabled: true }, ...users]) : null,
    epoch,
  )
}

/** Stores which command the identity has to acknowledge from now on. */
export function saveProbe(db: Db, epoch: number, probe: string): void {
  db.run('UPDATE earlier SET probe = ? WHERE epoch = ?', probe, epoch)
}

export function dropEarlier(db: Db, epochs: readonly number[]): void {
  db.run(
    'DELETE FROM earlier WHERE epoch IN (SELECT value FROM json_each(?))',
    JSON.stringify(epochs),
  )
  for (const epoch of epochs) {
    dropParts(db, 'earlier', epoch)
  }
}
