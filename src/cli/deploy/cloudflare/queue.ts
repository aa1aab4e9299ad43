/** The queue of a deployment, and who uses it. */
import type { DeployNames } from '../config.ts'
import type { CloudflareApi } from './api.ts'
import { listWorkers, parsed } from './lists.ts'

export interface FoundQueue {
  readonly id: string
  /** Whether our Worker reads from it. */
  readonly isRead: boolean
  /** Other Workers that are there: those that read from it, and those that only write to it. */
  readonly readers: readonly string[]
  readonly writers: readonly string[]
  /** Consumers whose Worker is gone. While one is there, no other can be added. */
  readonly stale: readonly QueueConsumer[]
}

export interface QueueConsumer {
  readonly id: string
  readonly worker: string
}

/** @throws CloudflareError */
export async function surveyQueue(
  api: CloudflareApi,
  at: string,
  { queue: name, worker }: Pick<DeployNames, 'queue' | 'worker'>,
): Promise<FoundQueue | undefined> {
  const queue = await findQueue(api, at, name)
  if (!queue) {
    return undefined
  }
  const { consumers = [], producers = [] } = queue
  const foreign = consumers
    .map((one) => ({ id: one.consumer_id, worker: userName(one) }))
    .filter((one) => one.worker !== worker)
  const there = new Set(foreign.length > 0 ? await listWorkers(api, at) : [])
  const isStale = ({ worker: reader }: QueueConsumer) => reader !== PULLS && !there.has(reader)
  return {
    id: queue.queue_id,
    isRead: consumers.length > foreign.length,
    readers: foreign.filter((one) => !isStale(one)).map((one) => one.worker),
    writers: namesOfUsers(producers, worker),
    stale: foreign.filter(isStale),
  }
}

/** @throws CloudflareError */
async function findQueue(
  api: CloudflareApi,
  at: string,
  name: string,
): Promise<ListedQueue | undefined> {
  const listed = await api.read(`${at}/queues?name=${encodeURIComponent(name)}`)
  const { result }: { result: ListedQueue[] } = parsed(listed, [])
  return result.find((one) => one.queue_name === name)
}

/** Names of the users of a queue besides a Worker. */
function namesOfUsers(users: readonly QueueUser[], besides: string): readonly string[] {
  return [...new Set(users.map(userName))].filter((user) => user !== besides)
}

interface ListedQueue {
  readonly queue_id: string
  readonly queue_name: string
  readonly consumers?: readonly (QueueUser & { readonly consumer_id: string })[]
  readonly producers?: readonly QueueUser[]
}

interface QueueUser {
  readonly script?: string
  readonly service?: string
}

const PULLS = 'something that pulls'

function userName({ script, service }: QueueUser): string {
  return script ?? service ?? PULLS
}

/** Names of all queues that a Worker reads from: each one keeps the Worker from being deleted. */
export async function queuesReadBy(
  api: CloudflareApi,
  at: string,
  worker: string,
): Promise<readonly string[]> {
  const { result }: { result: ListedQueue[] } = parsed(await api.read(`${at}/queues`), [])
  return result
    .filter(({ consumers = [] }) => consumers.some((one) => userName(one) === worker))
    .map((queue) => queue.queue_name)
}
