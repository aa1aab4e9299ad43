import type { CommandState } from '../mdm/queue.ts'

/** What happens to a device apart from commands, by the word of the log or the topic of the event. */
const OF_LOG: Readonly<Record<string, LiveKind>> = {
  'device:enrolled': 'device.enrolled',
  'device:renewed': 'device.renewed',
  'device:checked-out': 'device.checked_out',
  'device:retired': 'device.retired',
  'device:deleted': 'device.deleted',
  'device:blocked': 'device.blocked',
  'device:unblocked': 'device.unblocked',
}

const OF_EVENT: Readonly<Record<string, LiveKind>> = {
  'enrollment.contested': 'device.contested',
  'enrollment.settled': 'device.settled',
  'renewal.needed': 'device.renewal_needed',
  'push.unregistered': 'push.unregistered',
  'declaration.changed': 'declaration.changed',
  'device.status': 'declaration.status',
  'setup.started': 'setup.started',
  'setup.step': 'setup.step',
  'setup.held': 'setup.held',
  'setup.timed_out': 'setup.timed_out',
  'setup.released': 'setup.released',
  'setup.finished': 'setup.finished',
}

/** The kinds of entries. The word before the dot is the topic. */
export const LIVE_KINDS = [
  // Only in the stream of the device itself: each device connects many times a day.
  'device.connected',
  // Something else of the device, such as its name or its OS.
  'device.changed',
  'device.enrolled',
  'device.renewed',
  'device.checked_out',
  'device.retired',
  'device.deleted',
  'device.blocked',
  'device.unblocked',
  'device.contested',
  'device.settled',
  'device.renewal_needed',
  'command.queued',
  'command.held',
  'command.sent',
  'command.not_now',
  'command.stalled',
  'command.acknowledged',
  'command.error',
  'command.format_error',
  'command.cancelled',
  'command.expired',
  'command.superseded',
  'push.delivered',
  'push.failed',
  'push.unregistered',
  'declaration.changed',
  'declaration.status',
  'setup.started',
  'setup.step',
  'setup.held',
  'setup.timed_out',
  'setup.released',
  'setup.finished',
  'job.changed',
] as const

export type LiveKind = (typeof LIVE_KINDS)[number]

export const LIVE_TOPICS = ['device', 'command', 'push', 'declaration', 'setup', 'job'] as const
export type LiveTopic = (typeof LIVE_TOPICS)[number]

/**
 * What a commit tells those who watch (docs/stream.md): which thing has another state. Never a payload, an
 * answer, a token or a secret.
 */
export interface LiveNews {
  readonly kind: LiveKind
  /** The command's id, its type, and the person or key that queued it. */
  readonly command?: string
  readonly requestType?: string
  readonly actor?: string
  /** The job's id. */
  readonly job?: string
}

/** The same with its device and its time (milliseconds). A job's has no device. */
export interface LiveEntry extends LiveNews {
  readonly at: number
  readonly device?: string
  readonly serial?: string
  readonly name?: string
}

/** An entry of the ring: its number is its place in the order. */
export interface NumberedEntry extends LiveEntry {
  readonly seq: number
}

/** Which entries are wanted; a part that is absent wants all. */
export interface LiveFilter {
  readonly topics?: readonly LiveTopic[] | undefined
  readonly kinds?: readonly LiveKind[] | undefined
  /** Their ids or serial numbers. */
  readonly devices?: readonly string[] | undefined
  readonly actor?: string | undefined
}

export function kindOfState(state: CommandState): LiveKind {
  return `command.${state}`
}

/** The kind of a line of the log or of an event; `undefined` for one that is not told. */
export function kindOfWord(word: string): LiveKind | undefined {
  return OF_LOG[word] ?? OF_EVENT[word]
}

export function isWanted({ topics, kinds, devices, actor }: LiveFilter, entry: LiveEntry): boolean {
  const [topic] = entry.kind.split('.')
  return (
    (topics?.some((one) => one === topic) ?? true) &&
    (kinds?.includes(entry.kind) ?? true) &&
    (devices?.some((one) => one === entry.device || one === entry.serial) ?? true) &&
    (actor === undefined || entry.actor === actor)
  )
}
