import { commandKind } from './command.ts'
import type { ListedKind, RoundKind } from './kind.ts'
import { pushWaitingKind } from './push-waiting.ts'
import { replayKind } from './replay.ts'
import { renewalKind } from './renewal.ts'

/** The kinds of jobs, by the name that a job's row keeps. */
export const JOB_KINDS: Readonly<Record<string, ListedKind | RoundKind>> = {
  command: commandKind,
  replay: replayKind,
  renewal: renewalKind,
  'push-waiting': pushWaitingKind,
}

export function isRound({ kind }: { readonly kind: string }): boolean {
  return 'step' in (JOB_KINDS[kind] ?? {})
}
