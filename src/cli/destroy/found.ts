/** What a deployment has in its account, and in which order it goes. */
import type { CloudAccount } from '../deploy/cloudflare/account.ts'
import { queuesReadBy } from '../deploy/cloudflare/queue.ts'
import {
  countEnrolledAt,
  databaseOf,
  hasOurCode,
  type Survey,
  surveyAccount,
} from '../deploy/cloudflare/survey.ts'
import type { DeployNames } from '../deploy/config.ts'
import { DeployStop } from '../deploy/failures.ts'
import { refuseForeign } from '../deploy/plan/refuse.ts'

/** One thing that is removed. */
export interface DoomedPart {
  readonly title: string
  /** Of wrangler. */
  readonly command: readonly string[]
}

export interface Doomed {
  readonly removals: readonly DoomedPart[]
  /** What is to be known before the name is typed. */
  readonly remarks: readonly string[]
}

export interface Aim {
  readonly names: DeployNames
  readonly withData: boolean
  /** The id of the D1 that this machine has deployed. */
  readonly knownDatabase: string | undefined
  /** Names of the migrations in the tree. */
  readonly migrations: readonly string[]
}

/** @throws DeployStop when something under these names is not ours */
export async function findDoomed({ api, account }: CloudAccount, aim: Aim): Promise<Doomed> {
  const { names, withData } = aim
  const at = `/accounts/${account.id}`
  const survey = await surveyAccount(api, account.id, names, undefined)
  refuseOthers(survey, aim)
  const { worker, queue, database, domains } = survey
  const read = worker ? await queuesReadBy(api, at, names.worker) : []
  const isFilled = database !== undefined && database.migrations.length > 0
  const enrolled = isFilled ? await countEnrolledAt(api, at, database.id) : 0
  const hosts = domains.filter(({ service }) => service === names.worker)
  const everything: readonly (readonly [isThere: boolean, removal: DoomedPart])[] = [
    // First: Cloudflare keeps a Worker that a queue names as its consumer.
    ...read.map((name) => [true, consumerOf(name, names.worker)] as const),
    [worker !== undefined, { title: workerTitle(names.worker), command: ['delete', names.worker] }],
    [
      queue !== undefined,
      { title: `the queue ${names.queue}`, command: ['queues', 'delete', names.queue] },
    ],
    [database !== undefined && withData, databaseNamed(names.database)],
  ]
  return {
    removals: everything.filter(([isThere]) => isThere).map(([, removal]) => removal),
    remarks: [
      ...(enrolled > 0 ? [`Enrolled devices: ${enrolled}. They lose their server.`] : []),
      ...hosts.map(({ hostname }) => `The host name ${hostname} leads nowhere then.`),
      ...(database && !withData
        ? [`The D1 ${names.database} stays. --with-data removes it too.`]
        : []),
    ],
  }
}

const consumerOf = (queue: string, worker: string): DoomedPart => ({
  title: `the consumer of the queue ${queue}`,
  command: ['queues', 'consumer', 'remove', queue, worker],
})

const workerTitle = (name: string): string =>
  `the Worker ${name}, with its objects: queues, results and events of all devices, API keys, audit`

const databaseNamed = (name: string): DoomedPart => ({
  title: `the D1 ${name}`,
  command: ['d1', 'delete', name, '--skip-confirmation'],
})

function refuseOthers(survey: Survey, aim: Aim): void {
  const { names, withData } = aim
  const { worker, database } = survey
  refuseForeign({ names, survey, hosts: [] })
  if (worker && !hasOurCode(worker)) {
    throw new DeployStop(3, `the Worker ${names.worker} is another application`, 'check --name')
  }
  if (database && withData && !isOurDatabase(survey, aim)) {
    throw new DeployStop(
      3,
      `the D1 ${names.database} has no table of this program`,
      `leave --with-data out, or remove it by \`npx wrangler d1 delete ${names.database}\``,
    )
  }
}

function isOurDatabase({ worker, database }: Survey, { knownDatabase, migrations }: Aim): boolean {
  return (
    database !== undefined &&
    (database.id === knownDatabase ||
      worker?.bindings.some((binding) => databaseOf(binding) === database.id) === true ||
      database.migrations.some((name) => migrations.includes(name)))
  )
}
