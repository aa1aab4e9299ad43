/** Through which API a command was queued; `server`: the server queued it, to renew an identity. */
export const FACES = ['micromdm', 'api', 'server'] as const

/**
 * The origin of a command: the API, the id of the key, and the name that the client gives itself, because
 * several admins share the one key. The command's own row has it, so that it costs no row.
 */
export interface QueuedBy {
  readonly face: (typeof FACES)[number]
  /** The first eight hex digits of the API key's SHA-256. */
  readonly key?: string
  readonly actor?: string
  /** The job that queued it for one device of many. */
  readonly job?: string
  /** It renews the device's identity. */
  readonly renewal?: true
}

export function writeQueuedBy(by: QueuedBy | undefined): string {
  return by ? JSON.stringify(by) : ''
}

export function readQueuedBy(stored: string): QueuedBy | undefined {
  return stored === '' ? undefined : JSON.parse(stored)
}
