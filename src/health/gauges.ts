import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Gauges, Watched } from '../control/figures.ts'
import { pushSettings } from '../device/push/gate.ts'
import { fleetFigures } from '../directory/devices/fleet-figures.ts'
import { listWebhooks } from '../directory/webhooks.ts'
import type { Env } from '../env.ts'
import { seriesOf } from '../figures/count.ts'
import type { SubscriberState } from '../webhooks/subscriber.ts'

type Samples = Record<string, number>

/**
 * Counts the fleet and looks at the circuit of pushes and at each webhook. It reads each row of the list of
 * devices, and calls one object for each webhook.
 */
export async function gatherGauges(env: Env, config: Config, before: Watched): Promise<Gauges> {
  const now = clock.now()
  const [{ fleet, bytes }, webhooks, { topic, circuit }] = await Promise.all([
    fleetFigures(env.DB, now),
    webhookStates(env, config),
    pushSettings(env, config, now),
  ])
  const { open } = await circuit.state()
  const samples: Samples = { [seriesOf('d1_bytes')]: bytes }
  samples[seriesOf('push_circuit_open', { topic })] = Number(open !== undefined)
  if (fleet) {
    const { enrolled, checkedOut, contested, unreachable } = fleet
    Object.assign(samples, {
      ...labelled('devices', 'state', { enrolled, checked_out: checkedOut }),
      [seriesOf('devices_contested')]: contested,
      [seriesOf('devices_unreachable')]: unreachable,
      ...labelled('devices_seen', 'within', {
        '2d': fleet.seen2d,
        '7d': fleet.seen7d,
        '30d': fleet.seen30d,
      }),
      ...labelled('identities_expiring', 'within', {
        '7d': fleet.ending7d,
        '30d': fleet.ending30d,
      }),
    })
  }
  const down: Record<string, Watched['down'][string]> = {}
  for (const [webhook, state, url] of webhooks) {
    Object.assign(samples, webhookSamples(webhook, state, now))
    if (isDown(state, now)) {
      const since = before.down[webhook]?.since ?? now
      down[webhook] = {
        since,
        reason: state.counts.reason,
        ...(URL.canParse(url) && { host: new URL(url).host }),
      }
    }
  }
  return {
    at: now,
    rows: fleet?.rows ?? 0,
    samples,
    watched: {
      down,
      ...(open !== undefined && {
        circuit: { since: before.circuit?.since ?? now, reason: open },
      }),
    },
  }
}

/** The enabled webhooks, each with the state of its object. */
async function webhookStates(
  env: Env,
  config: Config,
): Promise<readonly (readonly [id: string, state: SubscriberState, url: string])[]> {
  const listed = await listWebhooks(env.DB)
  const webhooks = [...config.webhooks, ...listed.map(({ open }) => open)]
  const enabled = webhooks.filter((webhook) => webhook.enabled)
  return Promise.all(
    enabled.map(
      async ({ id, url }) => [id, await env.SUBSCRIBER.getByName(id).state(), url] as const,
    ),
  )
}

function isDown({ paused, circuit }: SubscriberState, now: number): boolean {
  return !paused && (circuit.downs > 0 || circuit.askedUntil > now)
}

function webhookSamples(webhook: string, state: SubscriberState, now: number): Samples {
  const { counts, waiting, deadLetters } = state
  const { delivered, failed, dropped } = counts
  return {
    [seriesOf('webhook_waiting_devices', { webhook })]: waiting,
    [seriesOf('webhook_down', { webhook })]: Number(isDown(state, now)),
    [seriesOf('dead_letters', { webhook })]: deadLetters,
    ...labelled('webhook_deliveries_total', 'result', { delivered, failed, dropped }, { webhook }),
  }
}

function labelled(
  metric: string,
  label: string,
  values: Readonly<Record<string, number>>,
  more: Readonly<Record<string, string>> = {},
): Samples {
  return Object.fromEntries(
    Object.entries(values).map(([value, n]) => [seriesOf(metric, { ...more, [label]: value }), n]),
  )
}
