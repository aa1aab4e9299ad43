/** Whether a command may be queued again without a question: by the Undo of a cancel, or by Retry. */
import type { Schema } from '../../api/types.ts'
import { NOT_KEPT } from './text.ts'

type Command = Schema<'Command'>

/** The scope that a command of a type needs, if the device loses something by it. */
export type Losing = (requestType: string) => 'command' | 'destructive' | undefined

const LOSES = 'There is no Undo, because it loses something: to have it again, send a new one.'
const OWN_TIME =
  'There is no Undo, because it would go out at once: to have it again, send a new one.'

/** @returns why the cancelled command cannot be brought back; `undefined` if it can */
export function whyNoUndo(
  { repeatable, request_type: type, state, expires_at: expires }: Command,
  loses: Losing,
): string | undefined {
  if (!repeatable) {
    return NOT_KEPT
  }
  if (loses(type) !== undefined) {
    return LOSES
  }
  return state === 'held' || expires !== null ? OWN_TIME : undefined
}

/**
 * The scope of a command that goes through its form before it is sent again: one that loses something, or has
 * a time that is still ahead. A plain retry sends at once, and without an end.
 *
 * @param now of the server, in milliseconds
 */
export function askedAgain(
  {
    request_type: type,
    not_before: from,
    expires_at: until,
  }: Pick<Command, 'request_type' | 'not_before' | 'expires_at'>,
  loses: Losing,
  now: number,
): ReturnType<Losing> {
  const isAhead = (at: string | null): boolean => at !== null && Date.parse(at) > now
  return loses(type) ?? (isAhead(from) || isAhead(until) ? 'command' : undefined)
}
