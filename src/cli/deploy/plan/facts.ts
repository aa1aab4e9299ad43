/** What a plan is made of, and in what it differs from what is deployed. Pure. */
import type { Survey } from '../cloudflare/survey.ts'
import { differencesOf, type DeployNames, publicUrlIn, type RawConfig } from '../config.ts'
import { DeployStop, WORKERS_DEV } from '../failures.ts'
import type { Deployment } from '../folder.ts'
import type { PrintedCode } from '../inputs/claim.ts'
import type { SecretChoice } from '../inputs/secrets.ts'

export interface PlanFacts {
  readonly names: DeployNames
  readonly deployment: Deployment
  readonly survey: Survey
  readonly config: RawConfig
  /** Custom domains that the Worker will have. */
  readonly hosts: readonly string[]
  readonly secrets: SecretChoice
  readonly secretsFile: string
  /** A setup code that this run makes. */
  readonly printed: PrintedCode | undefined
  /** Whether the run ends with the checks of the doctor. */
  readonly examines: boolean
  /** Of the source, and how many commits it is ahead of what is deployed, if git knows. */
  readonly code: { readonly digest: string; readonly commits: number | undefined }
  /** Names of all migrations in the tree. */
  readonly migrations: readonly string[]
  /** A push certificate is given that is not yet bound. */
  readonly newPush: boolean
}

export interface Differences {
  readonly isNewCode: boolean
  /** Names of migrations that the D1 has not had. */
  readonly pending: readonly string[]
  /** Keys of the configuration. */
  readonly settings: readonly string[]
  /** Names of secrets that the deploy sets. */
  readonly secrets: readonly string[]
  readonly makesAuthority: boolean
  /** Our Worker does not read from its queue. */
  readonly lacksConsumer: boolean
  /** The first host name answers, and workers.dev is not needed. */
  readonly closesWorkersDev: boolean
}

/** In what the wanted deployment differs from the one that is there. */
export function differencesIn(facts: PlanFacts): Differences {
  const { deployment, survey, config, secrets, code, migrations } = facts
  const { worker, database, queue } = survey
  const { deployed, authority, beganWithHost } = deployment
  const isSame = worker?.versionId !== undefined && deployed?.versionId === worker.versionId
  return {
    isNewCode: !isSame || deployed.digest !== code.digest,
    pending: migrations.filter((name) => !database?.migrations.includes(name)),
    settings: deployed ? differencesOf(deployed.config, config) : [],
    secrets: Object.keys(secrets.upload),
    makesAuthority: authority !== true && secrets.known['API_KEY'] !== undefined,
    lacksConsumer: queue !== undefined && !queue.isRead,
    closesWorkersDev: config.workers_dev === true && beganWithHost === true,
  }
}

/** The address that devices get. @throws DeployStop when there is none */
export function publicAddress({
  names,
  survey,
  config,
}: Pick<PlanFacts, 'names' | 'survey' | 'config'>): string {
  const own = publicUrlIn(config) ?? publicUrlOf(survey)
  if (own !== undefined) {
    return own
  }
  if (survey.subdomain === undefined) {
    throw new DeployStop(
      2,
      'the account has no subdomain at workers.dev, and no host name is given',
      `register one at ${WORKERS_DEV}, or give --host`,
    )
  }
  return addressAtWorkersDev(names, survey)
}

/** The address that devices have got until now; undefined before the first deploy. */
export function addressBefore({ deployment, survey, names }: PlanFacts): string | undefined {
  const { deployed } = deployment
  const own = (deployed && publicUrlIn(deployed.config)) ?? publicUrlOf(survey)
  return own ?? (survey.worker && addressAtWorkersDev(names, survey))
}

function addressAtWorkersDev({ worker }: DeployNames, { subdomain }: Survey): string {
  return `https://${worker}.${subdomain}.workers.dev`
}

/** The address at which a deployed Worker answers by now, before this run gives it another one. */
export function currentAddress(names: DeployNames, survey: Survey): string | undefined {
  const domain = survey.domains.find(({ service }) => service === names.worker)?.hostname
  const open = survey.worker?.workersDev ? addressAtWorkersDev(names, survey) : undefined
  return publicUrlOf(survey) ?? open ?? (domain && `https://${domain}`)
}

/** A var of the dashboard survives a deploy. */
function publicUrlOf({ worker }: Survey): string | undefined {
  return worker?.bindings.find(({ name }) => name === 'PUBLIC_URL')?.text || undefined
}
