/** A staged roll-out of one declaration: its share grows step by step, unless too many devices fail. */
import { clock } from '../../clock.ts'
import { changeRollout, readDeclaration } from '../../directory/declarations/edit.ts'
import { countContent } from '../../directory/declarations/states.ts'
import type { CompiledItem } from '../../ddm/payload/compile.ts'
import { log, warn } from '../../log.ts'
import type { Round, RoundEnv, RoundKind, Step } from '../work.ts'
import { beginOffers } from './begin.ts'

export interface RolloutPlan {
  /** Shares in percent, rising. After the last one all devices get the content. */
  readonly steps: readonly number[]
  /** How long each share is watched. */
  readonly waitMinutes: number
  /** The share of failures among the devices that answered, above which it stops. */
  readonly stopAt: number
}

interface Work extends RolloutPlan {
  readonly identifier: string
  /** The content that is rolled out: another one ends this round. */
  readonly version: number
  /** The place in `steps`. */
  readonly step: number
  /** Whether the share of this step is in force. */
  readonly isBegun: boolean
}

export const rolloutKind: RoundKind = { step: rollOutNext }

/** Names the job of a declaration's roll-out. */
export function rolloutJob(identifier: string): string {
  return `rollout-${identifier}`
}

const MINUTE = 60_000

/** Begins the roll-out of a content that was stored with a share of 0, in place of an earlier one. */
export async function beginRollout(
  { JOB }: Pick<RoundEnv, 'JOB'>,
  declaration: { readonly identifier: string; readonly version: number },
  plan: RolloutPlan,
): Promise<void> {
  const name = rolloutJob(declaration.identifier)
  const job = JOB.getByName(name)
  await job.cancel()
  const work: Work = { ...declaration, ...plan, step: 0, isBegun: false }
  await job.start({ name, kind: 'rollout', work: JSON.stringify(work) })
}

async function rollOutNext(env: RoundEnv, round: Round): Promise<Step> {
  const work: Work = JSON.parse(round.work)
  const { identifier, version, step, isBegun, steps, waitMinutes } = work
  const row = await readDeclaration(env.DB, identifier)
  if (row?.version !== version || row.rollout === '') {
    return end(round.work, { kind: 'finished' })
  }
  const item: CompiledItem = JSON.parse(row.item)
  if (!isBegun) {
    const percent = steps[step] ?? 100
    await share(env, identifier, percent)
    log('declarations:rollout-step', { identifier, percent })
    const until = clock.now() + waitMinutes * MINUTE
    return end(JSON.stringify({ ...work, isBegun: true }), { kind: 'wait', until })
  }
  const reason = await reasonToStop(env.DB, work, item.token)
  if (reason !== undefined) {
    warn('declarations:rollout-stopped', { identifier, reason })
    return end(round.work, { kind: 'stopped', reason })
  }
  if (step + 1 < steps.length) {
    const next: Work = { ...work, step: step + 1, isBegun: false }
    return end(JSON.stringify(next), { kind: 'wait', until: clock.now() })
  }
  await share(env, identifier, 100)
  return end(round.work, { kind: 'finished' })
}

/** Puts a share in force: of 100, every device gets the content, and the roll-out is over. */
async function share(env: RoundEnv, identifier: string, percent: number): Promise<void> {
  const row = await readDeclaration(env.DB, identifier)
  const rollout = percent >= 100 || !row ? undefined : { ...JSON.parse(row.rollout), percent }
  await changeRollout(env.DB, identifier, rollout, { now: clock.now(), notify: true })
  await beginOffers(env)
}

async function reasonToStop(
  d1: D1Database,
  { identifier, stopAt }: Work,
  content: string,
): Promise<string | undefined> {
  const counts = await countContent(d1, identifier, content)
  const failed = counts.get('failed') ?? 0
  const answered = failed + (counts.get('applied') ?? 0) + (counts.get('inactive') ?? 0)
  return failed > 0 && failed / answered > stopAt
    ? `${failed} of ${answered} devices that have the new content report a failure`
    : undefined
}

function end(work: string, after: Step['after']): Step {
  return { total: 0, failed: 0, work, after }
}
