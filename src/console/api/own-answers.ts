/** Which answers of devices a person waits for: those to the person's own commands. */
import { COMMAND_STATES } from './command-words.ts'
import type { Activity } from './news.ts'

/** A command of one's own that has ended. */
export interface OwnAnswer {
  readonly title: string
  readonly text: string
  /** Path of the command. */
  readonly to: string
}

/** More are not remembered: the oldest is forgotten. */
const MOST = 200
const ENDS = ['acknowledged', 'error', 'format_error', 'expired'] as const

/**
 * Takes an entry of the stream. A new command of this person is remembered.
 *
 * @param mine ids of commands that are waited for; changed
 * @param who the person’s name in the session
 * @returns the answer to one of them
 */
export function noteOwn(mine: Set<string>, entry: Activity, who: string): OwnAnswer | undefined {
  const { kind, command_id: id, actor } = entry
  if (id === null) {
    return undefined
  }
  if (kind === 'command.queued' && actor === who) {
    const [oldest] = mine
    if (mine.size >= MOST && oldest !== undefined) {
      mine.delete(oldest)
    }
    mine.add(id)
  }
  const end = ENDS.find((state) => kind === `command.${state}`)
  if (end === undefined || !mine.delete(id)) {
    return undefined
  }
  const name = entry.device_name ?? entry.serial_number ?? entry.device_id ?? 'A device'
  return {
    title: name,
    text: `${entry.request_type ?? 'Command'}: ${COMMAND_STATES[end][1]}`,
    to: `/console/commands/${encodeURIComponent(id)}`,
  }
}
