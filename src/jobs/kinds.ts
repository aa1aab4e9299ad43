import { commandKind } from './command.ts'
import type { ListedKind } from './kind.ts'
import { replayKind } from './replay.ts'

/** The kinds of jobs, by the name that a job's row keeps. */
export const JOB_KINDS: Readonly<Record<string, ListedKind>> = {
  command: commandKind,
  replay: replayKind,
}
