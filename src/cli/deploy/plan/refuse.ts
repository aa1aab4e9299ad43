import { databaseOf, type DeployedWorker } from '../cloudflare/survey.ts'
import { DeployStop } from '../failures.ts'
import type { PlanFacts } from './facts.ts'

const OTHER_NAME = 'take another name with --name'

/** @throws DeployStop for a deployment that would take what belongs to another Worker */
export function refuseForeign({
  names,
  survey,
  hosts,
}: Pick<PlanFacts, 'names' | 'survey' | 'hosts'>): void {
  const { worker, database, queueUsers = [], domains } = survey
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
  const [user] = queueUsers
  if (user !== undefined) {
    const fault = `the queue ${names.queue} belongs to the Worker ${user}`
    throw new DeployStop(3, fault, `${OTHER_NAME}, or remove this binding from that Worker`)
  }
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

/** A Worker that only has secrets was begun by `wrangler secret`. */
function isOurs({ bindings }: DeployedWorker): boolean {
  return (
    bindings.some(
      ({ type, name, class_name: className }) =>
        type === 'durable_object_namespace' && name === 'DEVICE' && className === 'Device',
    ) || bindings.every(({ type }) => type === 'secret_text')
  )
}
