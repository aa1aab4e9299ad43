import { SERVER_OUTBOX, type ServerNews } from '../device/outbox/server.ts'
import { AUTH_FAILING } from '../events/topics.ts'

/** Wrong keys of each network. */
export type FailureCounts = Readonly<Record<string, number>>

export interface FailuresEnv {
  readonly DEVICE: {
    getByName(name: string): { recordServerNews(news: readonly ServerNews[]): Promise<void> }
  }
}

/** The present hour. It is one value, so that a report writes one row. */
interface FailureHour {
  /** Its beginning (milliseconds). */
  readonly since: number
  readonly total: number
  readonly networks: FailureCounts
  readonly isTold: boolean
}

const HOUR = 3_600_000
/** More wrong keys in an hour become an event. */
const FEW = 200
/** Networks that are counted by themselves; others only add to the total. */
const MAX_NETWORKS = 200
/** Networks that the event names. */
const SHOWN = 10
const FAILURES = 'failures'

/** Adds what an isolate has counted. The first report that makes it many in an hour becomes an event. */
export async function noteFailures(
  kv: SyncKvStorage,
  env: FailuresEnv,
  counts: FailureCounts,
  now: number,
): Promise<void> {
  const hour = added(kv, counts, now)
  const tells = hour.total > FEW && !hour.isTold
  kv.put(FAILURES, { ...hour, isTold: hour.isTold || tells })
  if (!tells) {
    return
  }
  try {
    await env.DEVICE.getByName(SERVER_OUTBOX).recordServerNews([newsOf(hour)])
  } catch (error) {
    const later = kv.get<FailureHour>(FAILURES)
    if (later?.since === hour.since) {
      kv.put(FAILURES, { ...later, isTold: false })
    }
    throw error
  }
}

function added(kv: SyncKvStorage, counts: FailureCounts, now: number): FailureHour {
  const since = now - (now % HOUR)
  const stored = kv.get<FailureHour>(FAILURES)
  const { total, networks, isTold } =
    stored?.since === since ? stored : { total: 0, networks: {}, isTold: false }
  const sum = new Map(Object.entries(networks))
  for (const [network, count] of Object.entries(counts)) {
    if (sum.size < MAX_NETWORKS || sum.has(network)) {
      sum.set(network, (sum.get(network) ?? 0) + count)
    }
  }
  const more = Object.values(counts).reduce((all, count) => all + count, 0)
  return { since, total: total + more, networks: Object.fromEntries(sum), isTold }
}

function newsOf({ since, total, networks }: FailureHour): ServerNews {
  const most = Object.entries(networks)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, SHOWN)
  return {
    id: crypto.randomUUID(),
    topic: AUTH_FAILING,
    facts: {
      since: new Date(since).toISOString(),
      failures: total,
      networks: Object.fromEntries(most),
    },
    listeners: undefined,
  }
}
