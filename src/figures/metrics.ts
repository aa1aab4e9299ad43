import { seriesOf, type Counts } from './count.ts'

type Metric = readonly [type: 'counter' | 'gauge', help: string]

const BEST_EFFORT =
  'Best effort: each isolate hands its counts on every 10 minutes, and loses them if it ends before.'
const GATHERED = 'As of edgemdm_gauges_timestamp_seconds.'

/** All that `/metrics` shows, in its order (docs/health.md). */
export const METRICS: Readonly<Record<string, Metric>> = {
  build_info: ['gauge', 'The version of the server; always 1.'],
  degraded: ['gauge', 'How many findings a check has, by their level. GET /readyz has the texts.'],
  gauges_timestamp_seconds: ['gauge', 'When devices, webhooks and the push circuit were counted.'],
  devices: ['gauge', `Devices of the lists, by state. ${GATHERED}`],
  devices_seen: ['gauge', `Enrolled devices that called within a time. ${GATHERED}`],
  devices_contested: ['gauge', `Devices with a contested enrolment. ${GATHERED}`],
  devices_unreachable: ['gauge', `Enrolled devices that APNs does not reach. ${GATHERED}`],
  identities_expiring: [
    'gauge',
    `Identities of enrolled devices that end within a time. ${GATHERED}`,
  ],
  push_circuit_open: ['gauge', `1 while pushes are held back. ${GATHERED}`],
  webhook_waiting_devices: ['gauge', `Devices with events for a webhook. ${GATHERED}`],
  webhook_down: ['gauge', `1 while the receiver of a webhook is down. ${GATHERED}`],
  dead_letters: ['gauge', `Events that a receiver did not take for three days. ${GATHERED}`],
  d1_bytes: ['gauge', `The size of the directory. ${GATHERED}`],
  push_certificate_not_after_timestamp_seconds: ['gauge', 'The end of the push certificate.'],
  ca_not_after_timestamp_seconds: ['gauge', 'The end of the issuing certificate authority.'],
  dep_token_not_after_timestamp_seconds: ['gauge', 'The end of a token of Apple Business Manager.'],
  profile_signing_not_after_timestamp_seconds: [
    'gauge',
    'The end of the certificate for profiles.',
  ],
  api_key_not_after_timestamp_seconds: ['gauge', 'The end of an API key.'],
  cron_last_run_timestamp_seconds: ['gauge', 'When the daily cron ran last; 0 for never.'],
  duties_last_run_timestamp_seconds: [
    'gauge',
    'When the daily duties were last done; 0 for never.',
  ],
  duties_failed: ['gauge', 'How many of the daily duties failed then.'],
  device_requests_total: ['counter', `Requests of devices, by kind and answer. ${BEST_EFFORT}`],
  commands_total: ['counter', `Answers of devices to commands, by result. ${BEST_EFFORT}`],
  pushes_total: ['counter', `Pushes, by APNs’s answer. ${BEST_EFFORT}`],
  scep_issued_total: ['counter', `Certificates that were issued. ${BEST_EFFORT}`],
  scep_refused_total: ['counter', `Requests for certificates that were refused. ${BEST_EFFORT}`],
  auth_failures_total: ['counter', `Requests of admins with a wrong key. ${BEST_EFFORT}`],
  log_lines_total: ['counter', `Lines of the log by event, written or not. ${BEST_EFFORT}`],
  webhook_deliveries_total: ['counter', `Posts to a webhook, by result. ${GATHERED}`],
}

/** Prometheus' text format 0.0.4. Series of unknown metrics are left out. */
export function metricsText(samples: Counts): string {
  const byMetric = Map.groupBy(Object.entries(samples), ([series]) => series.split('{')[0])
  return Object.entries(METRICS)
    .flatMap(([metric, [type, help]]) => {
      const name = seriesOf(metric)
      const lines = (byMetric.get(name) ?? []).map(([series, value]) => `${series} ${value}\n`)
      return lines.length === 0
        ? []
        : [`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`, ...lines.toSorted()]
    })
    .join('')
}
