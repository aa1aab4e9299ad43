/** The feed: entries of the list and of the stream, newest first, each once. */
import type { Activity } from '../../api/news.ts'
import type { FilterWord } from './text.ts'

/** What the address asks for. An empty word asks for all. */
export interface ActivityFilter {
  /** A topic, or a kind, which has a dot. */
  readonly kind: FilterWord | ''
  readonly device: string
  readonly actor: string
}

/** More than this is not kept in a page that stays open. */
const MOST = 500

export function fits(filter: ActivityFilter, entry: Activity): boolean {
  const { kind, device, actor } = filter
  return (
    (kind === '' || entry.kind === kind || entry.kind.startsWith(`${kind}.`)) &&
    (device === '' || entry.device_id === device || entry.serial_number === device) &&
    (actor === '' || entry.actor === actor)
  )
}

/** Puts entries together. One without a number is of a device's own stream, and does not belong here. */
export function mergeEntries(...lists: readonly (readonly Activity[])[]): Activity[] {
  const byId = new Map<number, Activity>()
  for (const entry of lists.flat()) {
    if (entry.id !== null) {
      byId.set(entry.id, entry)
    }
  }
  return [...byId]
    .toSorted(([one], [other]) => other - one)
    .slice(0, MOST)
    .map(([, entry]) => entry)
}

/** Parts a feed at the number of its newest entry when it was paused. */
export function pausedAt(
  entries: readonly Activity[],
  newest: number | undefined,
): { readonly shown: readonly Activity[]; readonly more: number } {
  const shown = newest === undefined ? entries : entries.filter(({ id }) => (id ?? 0) <= newest)
  return { shown, more: entries.length - shown.length }
}

/** Where an entry leads. */
export function linkOf({ command_id: command, device_id: device, job_id: job }: Activity): string {
  return command !== null
    ? `/console/commands/${encodeURIComponent(command)}`
    : device !== null
      ? `/console/devices/${encodeURIComponent(device)}`
      : `/console/jobs/${encodeURIComponent(job ?? '')}`
}

/** The filter as the API takes it. */
export function askedOf({ kind, device, actor }: ActivityFilter) {
  return {
    limit: 100,
    ...(isTopic(kind) ? { topic: [kind] } : kind !== '' && { kind: [kind] }),
    ...(device !== '' && { device }),
    ...(actor !== '' && { actor }),
  }
}

type Topic = Exclude<FilterWord, `${string}.${string}`>

function isTopic(kind: FilterWord | ''): kind is Topic {
  return kind !== '' && !kind.includes('.')
}
