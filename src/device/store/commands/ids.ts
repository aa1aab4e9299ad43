import { enrollmentId } from '../../../mdm/enrollment.ts'

/**
 * The id of a command's row is the id of its channel times this, plus the command's number in the channel.
 * So the queue of a channel is one range of the table, and needs no index.
 */
const CHANNEL_SPAN = 2 ** 40

/** The last channel whose row ids are exact in a double. */
export const LAST_CHANNEL = Math.floor(Number.MAX_SAFE_INTEGER / CHANNEL_SPAN) - 1

interface ChannelId {
  readonly id: number
}

/** The first and the last row that a channel's commands can have. */
export function rangeOf({ id }: ChannelId): readonly [first: number, last: number] {
  return [id * CHANNEL_SPAN, (id + 1) * CHANNEL_SPAN - 1]
}

/** The same; the range of the device channel includes its users. */
export function rangeWithUsers(channel: ChannelId): readonly [first: number, last: number] {
  return channel.id === 0 ? [0, Number.MAX_SAFE_INTEGER] : rangeOf(channel)
}

/** The row of a channel's command. */
export function rowOf({ id }: ChannelId, n: number): number {
  return id * CHANNEL_SPAN + n
}

export function numberOf(row: number): number {
  return row % CHANNEL_SPAN
}

export function channelIdOf(row: number): number {
  return Math.floor(row / CHANNEL_SPAN)
}

/** Whether a command is the device's, and not one of its users'. */
export function isOfDevice(row: number): boolean {
  return row < CHANNEL_SPAN
}

/** SQL: the range of a channel whose id is an expression. */
export function rangeSql(channelId: string): string {
  return `BETWEEN ${channelId} * ${CHANNEL_SPAN} AND ${channelId} * ${CHANNEL_SPAN} + ${CHANNEL_SPAN - 1}`
}

/** SQL: the id of the channel of a row. */
export function channelIdSql(row: string): string {
  return `${row} / ${CHANNEL_SPAN}`
}

/** A command's id says where it is: `{enrollment id}.{n}`, with n counting the channel's commands. */
export function commandId(
  { name }: { readonly name: string },
  { user }: { readonly user: string },
  n: number,
): string {
  return `${enrollmentId(name, user)}.${n}`
}
