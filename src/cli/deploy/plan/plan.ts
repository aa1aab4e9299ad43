/** The steps of a run: the differences between the wanted deployment and the present one. Pure. */
import { addressBefore, type Differences, differencesIn, type PlanFacts } from './facts.ts'

export type StepName =
  | 'keep'
  | 'push'
  | 'migrate'
  | 'free'
  | 'deploy'
  | 'consume'
  | 'answer'
  | 'authority'
  | 'doctor'
  | 'close'

export interface PlanItem {
  readonly what: string
  readonly change: 'new' | 'changed' | 'unchanged'
  readonly detail: string
}

export interface DeployPlan {
  readonly items: readonly PlanItem[]
  readonly remarks: readonly string[]
  readonly steps: readonly StepName[]
}

/** Two deploys within this time restart the objects of devices twice. */
export const CALM = 5 * 60_000

/** What is to be done, in its order. Only the doctor's step when nothing differs. */
export function planDeploy(facts: PlanFacts, address: string): DeployPlan {
  const found = differencesIn(facts)
  return {
    items: itemsOf(facts, found, address),
    remarks: remarksOf(facts),
    steps: stepsOf(facts, found),
  }
}

/** Whether the steps change anything. */
export function doesChange({ steps }: Pick<DeployPlan, 'steps'>): boolean {
  return steps.some((step) => step !== 'doctor')
}

function stepsOf(facts: PlanFacts, found: Differences): StepName[] {
  const { survey, secrets, newPush, examines } = facts
  const { isNewCode, settings, pending, makesAuthority, closesWorkersDev, lacksConsumer } = found
  const deploys = isNewCode || settings.length > 0 || found.secrets.length > 0 || newPush
  const migrates = pending.length > 0
  const hasDatabase = survey.database !== undefined
  const wanted: readonly (readonly [step: StepName, isWanted: boolean])[] = [
    ['keep', secrets.keep],
    ['push', newPush],
    // The new code needs the new tables. Only the first deploy makes the database.
    ['migrate', migrates && hasDatabase],
    ['free', (survey.queue?.stale.length ?? 0) > 0],
    ['deploy', deploys],
    ['consume', lacksConsumer && !deploys],
    ['migrate', migrates && !hasDatabase],
    ['answer', deploys || migrates || makesAuthority || closesWorkersDev],
    ['authority', makesAuthority],
    // Before the first device comes, and while the other address still answers.
    ['doctor', examines],
    ['close', closesWorkersDev],
  ]
  return wanted.filter(([, isWanted]) => isWanted).map(([step]) => step)
}

function itemsOf(facts: PlanFacts, found: Differences, address: string): readonly PlanItem[] {
  const { names, survey, hosts, deployment, newPush } = facts
  const others = found.settings.filter((key) => key !== 'routes')
  const fresh = hosts.filter((host) => survey.domains.every(({ hostname }) => hostname !== host))
  return [
    item('worker', names.worker, survey.worker === undefined),
    codeItem(facts, found),
    item('address', address, addressBefore(facts) !== address),
    item('database', `D1 ${names.database}`, survey.database === undefined),
    queueItem(facts, found),
    item('migrations', String(found.pending.length), found.pending.length > 0),
    secretsItem(facts, found),
    item('settings', others.join(', '), others.length > 0, 'changed'),
    item('routes', fresh.join(', '), fresh.length > 0),
    item('certificate authority', 'for device identities', found.makesAuthority),
    item('push certificate', 'bound as APNS', newPush, deployment.push ? 'changed' : 'new'),
  ]
}

function item(
  what: string,
  detail: string,
  differs: boolean,
  change: 'new' | 'changed' = 'new',
): PlanItem {
  return differs ? { what, detail, change } : { what, detail: '', change: 'unchanged' }
}

function codeItem(facts: PlanFacts, { isNewCode }: Differences): PlanItem {
  const { survey, code, deployment } = facts
  if (!survey.worker?.versionId) {
    return item('code', 'of this tree', true)
  }
  const { deployed } = deployment
  const { commits } = code
  const detail =
    deployed === undefined
      ? 'of this tree, over what another machine deployed'
      : deployed.digest === code.digest
        ? 'of this tree, over a deployment that was made another way'
        : commits
          ? `${commits} ${commits === 1 ? 'commit' : 'commits'} newer`
          : 'other than deployed'
  return item('code', detail, isNewCode, 'changed')
}

/** A queue without a reader loses its messages in silence. */
function queueItem({ names, survey }: PlanFacts, { lacksConsumer }: Differences): PlanItem {
  if (survey.queue === undefined) {
    return item('queue', names.queue, true)
  }
  const { stale } = survey.queue
  const readers = stale.map(({ worker }) => `the Worker ${worker}, which is gone,`).join(' and ')
  const detail = `${names.queue}: ${readers ? `${readers} reads` : 'no Worker reads'} from it`
  return item('queue', detail, lacksConsumer, 'changed')
}

function secretsItem({ secrets, secretsFile }: PlanFacts, found: Differences): PlanItem {
  const names = found.secrets.join(', ')
  const where = {
    made: `made, and kept in ${secretsFile}`,
    kept: `set from ${secretsFile}`,
    given: 'set from the file that --secrets names',
    environment: 'set from the environment',
  }[secrets.from]
  return item('secrets', `${names}: ${where}`, found.secrets.length > 0)
}

function remarksOf({ survey, config, deployment, hosts, secrets }: PlanFacts): readonly string[] {
  const { deployed, beganWithHost, push } = deployment
  const { worker } = survey
  const hasOtherClasses =
    deployed && JSON.stringify(deployed.config.exports) !== JSON.stringify(config.exports)
  const keepsWorkersDev = worker?.workersDev === true && hosts.length > 0 && beganWithHost !== true
  return [
    ...(worker ? [] : ['The free plan is for trials, up to about 400 devices (docs/cost.md).']),
    ...(secrets.waits ? ['The server will wait for its owner at /setup (docs/deploy.md).'] : []),
    ...(push ? [] : ['Without a push certificate no device is woken: docs/push-certificate.md.']),
    ...(hasOtherClasses
      ? ['The classes of objects change: Cloudflare rolls no version back past this.']
      : []),
    ...(keepsWorkersDev
      ? ['The address at workers.dev continues to answer: devices may have enrolled there.']
      : []),
  ]
}
