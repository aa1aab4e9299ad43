import { newId, now, type Account, type Consumer, type Queue } from './account.ts'
import { Refused, fieldOf, found, textOf, type Routes } from './route.ts'

export const QUEUE_ROUTES: Routes = [
  [
    'GET',
    '/queues',
    ({ account, query }) => {
      const names = query.getAll('name')
      return account.queues
        .filter(({ queue_name }) => names.length === 0 || names.includes(queue_name))
        .map((queue) => shown(account, queue))
    },
  ],
  [
    'POST',
    '/queues',
    ({ account, body }) => shown(account, create(account, textOf(body, 'queue_name'))),
  ],
  ['GET', '/queues/:queue', ({ account, part }) => shown(account, find(account, part.queue))],
  [
    'DELETE',
    '/queues/:queue',
    ({ account, part }) => {
      account.queues.splice(account.queues.indexOf(find(account, part.queue)), 1)
      return null
    },
  ],
  ['GET', '/queues/:queue/consumers', ({ account, part }) => find(account, part.queue).consumers],
  [
    'POST',
    '/queues/:queue/consumers',
    ({ account, part, body }) => {
      const { consumers } = find(account, part.queue)
      if (consumers.length > 0) {
        throw new Refused(400, 11004, 'Queue already has a consumer')
      }
      return add(consumers, newId(), body)
    },
  ],
  [
    'PUT',
    '/queues/:queue/consumers/:consumer',
    ({ account, part, body }) => {
      const { consumers } = find(account, part.queue)
      const id = remove(consumers, part.consumer)
      return add(consumers, id, body)
    },
  ],
  [
    'DELETE',
    '/queues/:queue/consumers/:consumer',
    ({ account, part }) => {
      remove(find(account, part.queue).consumers, part.consumer)
      return null
    },
  ],
]

function find(account: Account, id: string | undefined): Queue {
  const queue = account.queues.find(({ queue_id }) => queue_id === id)
  return found(queue, 11000, `Queue ${id} does not exist`)
}

function create(account: Account, name: string): Queue {
  if (account.queues.some(({ queue_name }) => queue_name === name)) {
    throw new Refused(400, 11009, `Queue name '${name}' is already taken`)
  }
  const queue = { queue_id: newId(), queue_name: name, created_on: now(), consumers: [] }
  account.queues.push(queue)
  return queue
}

/** The producers are the Workers whose running version binds the queue. */
function shown(account: Account, queue: Queue) {
  const producers = [...account.workers.values()]
    .filter(({ versions }) =>
      versions
        .at(-1)
        ?.bindings.some(
          ({ type, queue_name }) => type === 'queue' && queue_name === queue.queue_name,
        ),
    )
    .map(({ name }) => ({ type: 'worker', script: name }))
  return {
    ...queue,
    modified_on: queue.created_on,
    settings: { delivery_delay: 0 },
    producers,
    producers_total_count: producers.length,
    consumers_total_count: queue.consumers.length,
  }
}

function add(consumers: Consumer[], id: string, body: unknown): Consumer {
  const consumer = {
    consumer_id: id,
    type: textOf(body, 'type'),
    script: textOf(body, 'script_name'),
    settings: fieldOf(body, 'settings'),
  }
  consumers.push(consumer)
  return consumer
}

function remove(consumers: Consumer[], id: string | undefined): string {
  const place = consumers.findIndex(({ consumer_id }) => consumer_id === id)
  const [removed] = place < 0 ? [] : consumers.splice(place, 1)
  return found(removed, 11001, `Consumer ${id} does not exist`).consumer_id
}
