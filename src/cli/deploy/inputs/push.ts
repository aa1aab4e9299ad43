/** The push certificate of a deployment: the one that is given, or the one that is bound already. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkPushChange } from '../../push-cert/change.ts'
import { readPushPair } from '../../push-cert/pair.ts'
import { CliError } from '../../error.ts'
import type { PushPair } from '../../settings.ts'
import type { DeployOrder } from '../arguments.ts'
import { type CloudflareApi } from '../cloudflare/api.ts'
import { countEnrolledAt, type Survey } from '../cloudflare/survey.ts'
import type { BoundPush, RawConfig } from '../config.ts'
import { DeployStop } from '../failures.ts'
import type { Deployment } from '../folder.ts'

/** The folder of a state directory in which `npm run push-cert` works, and its key. */
const FOLDER = 'push-cert'
const KEY = 'push.key'

export interface PushChoice {
  /** To be uploaded; undefined when it is bound already, or when none is given. */
  readonly pair: PushPair | undefined
  /** What is bound before this run. */
  readonly bound: BoundPush | undefined
  /** Where `npm run push-cert` keeps the key and what it knows of the certificate. */
  readonly folder: string
}

export interface PushFacts {
  readonly stateDir: string
  /** Of the deployment: it may have a push key of its own. */
  readonly deploymentDir: string
  readonly committed: RawConfig
  readonly kept: Deployment
  readonly survey: Survey
  readonly now: number
}

/**
 * @param cloud counts devices; absent without a login
 * @throws DeployStop for a pair that cannot be used, or one with another topic
 */
export async function choosePush(
  { push, force }: Pick<DeployOrder, 'push' | 'force'>,
  { stateDir, deploymentDir, committed, kept, survey, now }: PushFacts,
  cloud: { readonly api: CloudflareApi; readonly at: string } | undefined,
): Promise<PushChoice> {
  const bound = boundPush(committed, kept, survey)
  const own = join(deploymentDir, FOLDER)
  const folder = existsSync(join(own, KEY)) ? own : join(stateDir, FOLDER)
  if (!push) {
    return { pair: undefined, bound, folder }
  }
  const { certificateFile } = push
  const keyFile = push.keyFile ?? join(folder, KEY)
  const pair = refusing(2, () => readPushPair({ certificateFile, keyFile }, now))
  const { database } = survey
  const change = {
    before: bound?.certificate,
    push: pair,
    force,
    enrolled: () => (cloud && database ? countEnrolledAt(cloud.api, cloud.at, database.id) : 0),
  }
  await checkPushChange(change).catch((error: unknown) => refusing(3, () => rethrow(error)))
  return { pair: bound?.certificate === pair.certificate ? undefined : pair, bound, folder }
}

/** `npm run push-cert` writes into wrangler.toml. The deployed Worker tells what another machine bound. */
function boundPush(
  committed: RawConfig,
  { push }: Deployment,
  { worker }: Survey,
): BoundPush | undefined {
  const bindings = worker?.bindings ?? []
  const own = committed.mtls_certificates?.find(({ binding }) => binding === 'APNS')
  const deployed = bindings.find(({ type, name }) => type === 'mtls_certificate' && name === 'APNS')
  const inFile = own && boundTo(own.certificate_id, committed.vars?.['PUSH_CERTIFICATE'])
  const { text } = bindings.find(({ name }) => name === 'PUSH_CERTIFICATE') ?? {}
  return inFile ?? push ?? boundTo(deployed?.certificate_id, text)
}

function boundTo(certificateId: string | undefined, pem: unknown): BoundPush | undefined {
  const certificate = typeof pem === 'string' ? { certificate: pem } : {}
  return certificateId === undefined ? undefined : { certificateId, ...certificate }
}

function refusing<Result>(exit: 2 | 3, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof CliError) {
      throw new DeployStop(
        exit,
        error.message,
        'give the right files with --push-cert and --push-key',
      )
    }
    throw error
  }
}

function rethrow(error: unknown): never {
  throw error
}
