import type { Config } from '../config/config.ts'
import type { Figures } from '../control/figures.ts'
import type { Env } from '../env.ts'
import { seriesOf, type Counts } from '../figures/count.ts'
import { metricsText } from '../figures/metrics.ts'
import { CONTROL_NAME } from '../figures/report.ts'
import { warn } from '../log.ts'
import { reasonOf } from '../reason.ts'
import { findingsOf } from './checks.ts'
import { quickFacts, type Facts } from './facts.ts'
import { gatherGauges } from './gauges.ts'

/** The text of `/metrics`. If it is this caller's turn, it gathers the gauges first. */
export async function writeMetrics(env: Env, config: Config, version: string): Promise<string> {
  const facts = await quickFacts(env, config)
  const control = env.CONTROL.getByName(CONTROL_NAME)
  const { counts, gauges } = await gathered(env, config, await control.figures())
  return metricsText({
    [seriesOf('build_info', { version })]: 1,
    ...counts,
    ...(gauges && { ...gauges.samples, [seriesOf('gauges_timestamp_seconds')]: gauges.at / 1000 }),
    ...healthSamples(facts),
  })
}

/** Without D1 the old gauges are shown: they say how old they are. */
async function gathered(env: Env, config: Config, figures: Figures): Promise<Figures> {
  if (!figures.isDue) {
    return figures
  }
  try {
    const gauges = await gatherGauges(env, config, figures.gauges?.watched ?? { down: {} })
    await env.CONTROL.getByName(CONTROL_NAME).keepGauges(gauges)
    return { ...figures, gauges }
  } catch (error) {
    warn('health:not-gathered', { reason: reasonOf(error) })
    return figures
  }
}

function healthSamples(facts: Facts): Counts {
  const samples: Record<string, number> = {}
  for (const { kind, name, notAfter } of facts.dated) {
    samples[seriesOf(`${kind}_not_after_timestamp_seconds`, { name })] = notAfter / 1000
  }
  for (const { id: check, level } of findingsOf(facts)) {
    const series = seriesOf('degraded', { check, level })
    samples[series] = (samples[series] ?? 0) + 1
  }
  const beats = facts.standing?.beats
  if (beats) {
    samples[seriesOf('cron_last_run_timestamp_seconds')] = beats.cronAt / 1000
    samples[seriesOf('duties_last_run_timestamp_seconds')] = beats.dutiesAt / 1000
    samples[seriesOf('duties_failed')] = beats.failed.length
  }
  return samples
}
