import { commandKind } from './command.ts'
import { releaseKind, replayKind } from './counted.ts'
import { declarationsKind } from './declarations/round.ts'
import { rolloutKind } from './declarations/rollout.ts'
import type { ListedKind, RoundKind } from './work.ts'
import { moveKind } from './move/round.ts'
import { pushWaitingKind } from './push-waiting.ts'
import { renewalKind } from './renewal/renewal.ts'
import type { JobKind } from './rows.ts'

/** The kinds of jobs, by the name that a job's row keeps. */
export const JOB_KINDS: Readonly<Record<JobKind, ListedKind | RoundKind>> = {
  command: commandKind,
  replay: replayKind,
  release: releaseKind,
  renewal: renewalKind,
  'push-waiting': pushWaitingKind,
  move: moveKind,
  declarations: declarationsKind,
  rollout: rolloutKind,
}

/** Whether a job finds its devices itself. */
export function isRound({ kind }: { readonly kind: JobKind }): boolean {
  return 'step' in JOB_KINDS[kind]
}
