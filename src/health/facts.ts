import { clock, inTime } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Dated } from '../control/dated.ts'
import type { Trouble } from '../control/figures.ts'
import type { DeploymentStanding } from '../control/object.ts'
import type { Env } from '../env.ts'
import { CONTROL_NAME } from '../figures/report.ts'
import type { ExpiryKind } from '../events/topics.ts'
import { attempt } from '../log.ts'
import { reasonOf } from '../reason.ts'
import { datedOf, findDated } from './dated-things.ts'
import { gatherGauges } from './gauges.ts'
import { insideFacts, type InsideFacts } from './inside.ts'

/** What the checks look at. Times are milliseconds. */
export interface Facts {
  readonly now: number
  /** Why D1 does not answer, and since when as far as this isolate knows. */
  readonly directory?: Trouble | undefined
  readonly control?: Trouble | undefined
  /** `undefined` while the object does not answer. */
  readonly standing: DeploymentStanding | undefined
  readonly dated: readonly Dated[]
  /** Whether pushes can leave at all. */
  readonly hasApns: boolean
  /** Only for `GET /api/health`. */
  readonly inside?: InsideFacts
}

/** A monitor may ask each second. */
const FRESH = 30_000
/** A call without an answer within this time has failed: a monitor waits for some seconds. */
const PATIENCE = 5000

/** What ends, and is read at each look. The rest is as the daily duties or `GET /api/health` found it. */
const LIVE = new Set<ExpiryKind>(['push_certificate', 'ca', 'profile_signing'])

/** What each environment's isolate knows. */
const memory = new WeakMap<Env, Facts>()

/**
 * The facts for a probe, 30 s old at most: one read of D1 and one call of an object. Of what others than this
 * isolate know, they are as the last gathering found it.
 */
export async function quickFacts(env: Env, config: Config): Promise<Facts> {
  const before = memory.get(env)
  const now = clock.now()
  return before && now - before.now < FRESH ? before : lookAt(env, config, before)
}

/**
 * The same after a look at all that the daily duties and `/metrics` look at: it reads the list of devices,
 * and calls an object for each webhook and each account of Apple Business Manager. Probes then know it too.
 * `inside` is for the caller alone.
 */
export async function fullFacts(
  env: Env,
  config: Config,
  address: string,
): Promise<Facts & { readonly inside: InsideFacts }> {
  const control = env.CONTROL.getByName(CONTROL_NAME)
  await attempt('health:not-gathered', async () => {
    const { dated, watched } = await control.standing()
    const [things, gauges] = await Promise.all([
      findDated(env, config, dated, clock.now()),
      gatherGauges(env, config, watched),
    ])
    await Promise.all([control.keepDated({ things }), control.keepGauges(gauges)])
  })
  const [facts, inside] = await Promise.all([
    lookAt(env, config, memory.get(env)),
    insideFacts(env, config, { address, now: clock.now() }),
  ])
  return { ...facts, inside }
}

async function lookAt(env: Env, config: Config, before: Facts | undefined): Promise<Facts> {
  const now = clock.now()
  const control = env.CONTROL.getByName(CONTROL_NAME)
  const [ca, standing, ...own] = await Promise.all([
    outcome(datedOf('ca', env, config, now), before?.directory, now),
    outcome(control.standing(), before?.control, now),
    datedOf('push_certificate', env, config, now),
    datedOf('profile_signing', env, config, now),
  ])
  const known = standing.answer ?? before?.standing
  const others = (known?.dated ?? []).filter(({ kind }) => !LIVE.has(kind))
  const facts: Facts = {
    now,
    directory: ca.trouble,
    control: standing.trouble,
    standing: known,
    dated: [...others, ...(ca.answer ?? []), ...own.flat()],
    hasApns: env.APNS !== undefined,
  }
  memory.set(env, facts)
  return facts
}

/** The answer to a call, or why there is none; `before` says since when. */
async function outcome<Answer>(
  call: Promise<Answer>,
  before: Trouble | undefined,
  now: number,
): Promise<{ readonly answer?: Answer; readonly trouble?: Trouble }> {
  try {
    return { answer: await inTime(PATIENCE, call) }
  } catch (error) {
    return { trouble: { since: before?.since ?? now, reason: reasonOf(error) } }
  }
}
