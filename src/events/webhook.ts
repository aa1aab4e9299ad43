import type { ReportStatus } from '../mdm/message.ts'
import type { Topic } from './topics.ts'

/** The subscriber that `WEBHOOK_URL` names. Its events keep MicroMDM's form to the letter. */
export const VAR_WEBHOOK = 'webhook'

/** The events that a subscriber wants. */
export interface Filter {
  readonly topics: readonly Topic[]
  /** Only reports with these statuses; `null` for reports with any status. */
  readonly statuses: readonly ReportStatus[] | null
}

/** A key that signs posts, and from when to when (milliseconds); `until` is 0 while it has no successor. */
export interface Secret {
  readonly secret: string
  readonly since: number
  readonly until: number
}

/** A subscriber: the events that it wants, their URL, and how they are posted. */
export interface Webhook extends Filter {
  /** Names its cursors: stays the same when the URL changes. */
  readonly id: string
  readonly enabled: boolean
  readonly url: string
  /** `Authorization` for the URL's user and password; empty when it has none. */
  readonly authorization: string
  readonly headers: Readonly<Record<string, string>>
  /** Newest first. */
  readonly secrets: readonly Secret[]
  /** Whether unlock and bootstrap tokens are cut out of `raw_payload`. */
  readonly redact: boolean
  /** Posts in flight. */
  readonly concurrency: number
  /** Posts a minute; 0 for no limit. */
  readonly rate: number
  /** After an outage, so many answers allow one more post in flight. */
  readonly rampUp: number
  /** An Idle older than this (milliseconds) is no longer posted; 0 for no limit. */
  readonly maxIdleAge: number
}

export function wants(
  { topics, statuses }: Filter,
  topic: Topic,
  status: string | undefined,
): boolean {
  return (
    topics.includes(topic) &&
    (statuses === null || status === undefined || statuses.some((one) => one === status))
  )
}

/** The subscribers that want such an event; `undefined` when the list of subscribers is not known. */
export function listenersOf(
  webhooks: readonly Pick<Webhook, 'id' | keyof Filter>[] | undefined,
  topic: Topic,
  status?: string,
): readonly string[] | undefined {
  return webhooks?.filter((webhook) => wants(webhook, topic, status)).map(({ id }) => id)
}
