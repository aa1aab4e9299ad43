import { clock } from '../clock.ts'
import type { Db } from '../storage/db.ts'
import { endJob, saveJob, type JobRow } from './rows.ts'
import type { RoundEnv, RoundKind, RoundSettings } from './work.ts'

/** What a step asks of its object. */
export interface RoundPorts {
  settings(): RoundSettings
  /** No other round has begun meanwhile. */
  isPresent(): boolean
  /** A request waits for the round: it does not end with this step. */
  isAskedAgain(): boolean
}

/** Does the next step of a round. @returns when to go on; `undefined` when the round has ended. */
export async function runStep({
  env,
  db,
  row,
  kind,
  ports,
}: {
  readonly env: RoundEnv
  readonly db: Db
  readonly row: JobRow
  readonly kind: RoundKind
  readonly ports: RoundPorts
}): Promise<number | undefined> {
  const { total, failed, work, ...end } = await kind.step(env, {
    work: row.work,
    since: row.createdAt,
    settings: () => ports.settings(),
    isOver: () => row.state !== 'running',
  })
  if (!ports.isPresent()) {
    return undefined
  }
  const now = { kind: 'wait', until: clock.now() } as const
  const after = ports.isAskedAgain() && end.after.kind === 'finished' ? now : end.after
  const isChanged = total > 0 || work !== row.work
  Object.assign(row, { work, total: row.total + total, faults: row.faults + failed })
  if (row.state === 'running' && after.kind !== 'wait') {
    endJob(db, row, after.kind, after.kind === 'stopped' ? after.reason : '')
  } else if (isChanged) {
    saveJob(db, row)
  }
  return row.state === 'running' && after.kind === 'wait' ? after.until : undefined
}
