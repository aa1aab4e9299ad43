/** The keys of a run: given, kept, made, or none for a server whose first page makes them. */
import type { Environment } from '../../settings.ts'
import type { DeployOrder } from '../arguments.ts'
import type { CloudAccount } from '../cloudflare/account.ts'
import { countEnrolledAt, type Survey } from '../cloudflare/survey.ts'
import type { DeployNames } from '../config.ts'
import { DeployStop } from '../failures.ts'
import { requireFile } from '../folder.ts'
import { currentAddress, type PlanFacts } from '../plan/facts.ts'
import { findClaim, type ClaimFound, printedCode } from './claim.ts'
import { chooseSecrets, makeSecrets, readSecrets, secretsInEnvironment } from './secrets.ts'

export interface KeySearch {
  readonly names: DeployNames
  readonly survey: Survey
  /** Absent from a plan without a login. */
  readonly cloud: CloudAccount | undefined
  /** Where the folder keeps them. */
  readonly file: string
}

/** @throws DeployStop when keys are missing that cannot be made */
export async function chooseKeys(
  order: DeployOrder,
  { env, fetch: fetchIt }: { readonly env: Environment; readonly fetch: typeof fetch },
  facts: KeySearch,
): Promise<Pick<PlanFacts, 'secrets' | 'printed'>> {
  const { names, survey, cloud } = facts
  const claim = await findClaim(survey.worker, currentAddress(names, survey), fetchIt)
  const secrets = secretsFor(order, env, claim.server, facts)
  if (cloud && secrets.waits && claim.server === 'absent') {
    await refuseOrphans(cloud, survey)
  }
  return { secrets, printed: printedCode(order.builds, claim, secrets) }
}

/** The keys that a claim makes open nothing of an earlier server. @throws DeployStop */
async function refuseOrphans({ api, account }: CloudAccount, { database }: Survey): Promise<void> {
  const enrolled =
    database && database.migrations.length > 0
      ? await countEnrolledAt(api, `/accounts/${account.id}`, database.id)
      : 0
  if (enrolled > 0) {
    const devices = `${enrolled} enrolled ${enrolled === 1 ? 'device' : 'devices'}`
    throw new DeployStop(
      3,
      `the database has ${devices} of an earlier server, and no keys are given`,
      'set API_KEY and SEAL_KEYS of that server as secrets of the CI',
    )
  }
}

function secretsFor(
  order: DeployOrder,
  env: Environment,
  server: ClaimFound['server'],
  { survey, file }: KeySearch,
) {
  const { worker, database } = survey
  const { secretsFile } = order
  if (secretsFile !== undefined) {
    requireFile('--secrets', secretsFile, 'name the file that has the keys')
  }
  const given = secretsFile === undefined ? undefined : readSecrets(secretsFile)
  const present = (worker?.bindings ?? [])
    .filter(({ type }) => type === 'secret_text')
    .map(({ name }) => name)
  return chooseSecrets(
    {
      present,
      server,
      hasData: (database?.migrations.length ?? 0) > 0,
      stored: order.ci ? undefined : readSecrets(file),
      given,
      ci: order.ci ? secretsInEnvironment(env) : undefined,
      file,
    },
    makeSecrets,
  )
}
