/** Whether the Undo of a cancel may queue a command again: it sends at once, and asks nothing. */
import type { Schema } from '../../api/types.ts'
import { NOT_KEPT } from './text.ts'

type Command = Schema<'Command'>

const LOSES = 'There is no Undo, because it loses something: to have it again, send a new one.'
const OWN_TIME =
  'There is no Undo, because it would go out at once: to have it again, send a new one.'

/** @returns why the cancelled command cannot be brought back; `undefined` if it can */
export function whyNoUndo(
  { repeatable, request_type: type, state, expires_at: expires }: Command,
  loses: (requestType: string) => boolean,
): string | undefined {
  if (!repeatable) {
    return NOT_KEPT
  }
  if (loses(type)) {
    return LOSES
  }
  return state === 'held' || expires !== null ? OWN_TIME : undefined
}
