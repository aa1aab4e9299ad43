import type { FoundQueue } from '../cloudflare/queue.ts'
import { databaseOf, type DeployedWorker, hasOurCode } from '../cloudflare/survey.ts'
import { DeployStop } from '../failures.ts'
import type { PlanFacts } from './facts.ts'

const OTHER_NAME = 'take another name with --name'

/** @throws DeployStop for a deployment that would take what belongs to another Worker */
export function refuseForeign({
  names,
  survey,
  hosts,
}: Pick<PlanFacts, 'names' | 'survey' | 'hosts'>): void {
  const { worker, database, queue, domains } = survey
  if (worker && !isOurs(worker)) {
    throw new DeployStop(3, `the Worker ${names.worker} is another application`, OTHER_NAME)
  }
  const bound = worker?.bindings.map(databaseOf).find((id) => id !== undefined)
  if (bound !== undefined && bound !== database?.id) {
    throw new DeployStop(
      3,
      `the Worker ${names.worker} uses another D1 than ${names.database}: the one with the id ${bound}`,
      `${OTHER_NAME}, or write the name of its database into wrangler.toml`,
    )
  }
  const [binder] = database?.boundBy ?? []
  if (binder !== undefined) {
    const fault = `the D1 ${names.database} belongs to the Worker ${binder}`
    throw new DeployStop(3, fault, `${OTHER_NAME}, or remove this binding from that Worker`)
  }
  refuseUsedQueue(names.queue, queue)
  const taken = domains.find(
    ({ hostname, service }) => hosts.includes(hostname) && service !== names.worker,
  )
  if (taken) {
    throw new DeployStop(
      3,
      `the host name ${taken.hostname} leads to the Worker ${taken.service}`,
      'take another --host, or remove it from that Worker in the dashboard',
    )
  }
}

function refuseUsedQueue(name: string, queue: FoundQueue | undefined): void {
  const [reader] = queue?.readers ?? []
  if (reader !== undefined) {
    const command = `npx wrangler queues consumer remove ${name} ${reader}`
    throw new DeployStop(
      3,
      `the queue ${name} belongs to the Worker ${reader}, which reads from it`,
      `${OTHER_NAME}. If it should not, run \`${command}\`, and then this again`,
    )
  }
  const [writer] = queue?.writers ?? []
  if (writer !== undefined) {
    const fault = `the queue ${name} belongs to the Worker ${writer}`
    throw new DeployStop(3, fault, `${OTHER_NAME}, or remove this binding from that Worker`)
  }
}

/** A Worker that only has secrets was begun by `wrangler secret`. */
export function isOurs(worker: DeployedWorker): boolean {
  return hasOurCode(worker) || worker.bindings.every(({ type }) => type === 'secret_text')
}
