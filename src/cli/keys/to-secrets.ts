/**
 * Moves the seal keys of a claimed server from its object Control into secrets of its Worker
 * (docs/keys.md). It may be stopped and begun again anywhere: what it knows is in the folder of the
 * deployment before it goes on, and Control forgets its copy last.
 */
import { join } from 'node:path'
import { newApiKey } from '../api-key.ts'
import { newHandoverReader, RING_PURPOSE } from '../../pki/seal/handover.ts'
import { type AdminAccess, ApiError, callApi } from '../api-client.ts'
import { checkedName, folderOfDeployment } from '../deploy/arguments.ts'
import type { AccountEffects } from '../deploy/cloudflare/account.ts'
import { makeFolder, readDeployment } from '../deploy/folder.ts'
import { readSecrets, type Secrets } from '../deploy/inputs/secrets.ts'
import type { ServerEffects } from '../deploy/server.ts'
import { CliError } from '../error.ts'
import { writeWhole } from '../write-whole.ts'
import { joinedRing, type ListedSealKey } from './seal-ring.ts'
import { nameOfServer, type SecretOrder, setSecrets, workerOfServer } from './worker-secrets.ts'

export type SecretMoveEffects = AccountEffects & ServerEffects

/** The time that a new version of the Worker has to reach all places. */
const SHOWN_WITHIN = 3 * 60_000
const BETWEEN_LOOKS = 3000
const REASON = 'npm run keys -- to-secrets'

/** @throws CliError, DeployStop or CloudflareError, with what to do */
export async function moveSealKeys(
  access: AdminAccess,
  order: SecretOrder,
  effects: SecretMoveEffects,
): Promise<void> {
  const { show } = effects.screen
  const keys = await listSealKeys(access)
  const name = checkedName(order.name ?? (await nameOfServer(access, order, effects)))
  const folder = folderOfDeployment(order.stateDir, name)
  const file = join(folder, 'secrets.json')
  const stored = readSecrets(file) ?? {}
  if (!keys.some((key) => key.in_control)) {
    show(alreadyMoved(keys, stored, file))
    return
  }
  const worker = await workerOfServer(access, { ...order, name }, readDeployment(folder), effects)
  const hasApiKey = worker.secrets.includes('API_KEY')
  const known: Secrets = {
    ...(hasApiKey ? {} : { API_KEY: newApiKey() }),
    ...stored,
    SEAL_KEYS: await joinedRing(keys, stored['SEAL_KEYS'], file, () => revealRing(access)),
  }
  makeFolder(folder, name)
  writeWhole(file, `${JSON.stringify(known, null, 2)}\n`)
  show(`✓ keep the keys in ${file}`)
  const missing = [
    ...(hasApiKey ? [] : ['API_KEY']),
    ...(keys.every(({ place }) => place === 'secret') ? [] : ['SEAL_KEYS']),
  ]
  if (missing.length > 0) {
    const upload = missing.map((secret) => [secret, known[secret] ?? ''] as const)
    await setSecrets(worker, Object.fromEntries(upload), effects)
    show(`✓ set ${missing.join(' and ')} as secrets of the Worker ${worker.name}`)
  }
  show(`… wait until ${access.url} uses its secrets: at most ${SHOWN_WITHIN / 60_000} minutes`)
  await untilSecret(access, worker.name, effects)
  show(`✓ ${access.url} has its seal keys from the secrets`)
  await callApi(access, '/api/seal-keys/control', { method: 'DELETE' })
  show(`✓ delete the copy of the object Control

The file ${file} is the copy to keep: without the seal keys the data of the server is lost.
The object keeps deleted data for 30 days, for a recovery by Cloudflare.${apiKeysNow(known, file)}`)
}

/** The key that the page gave, and the one that this command made. */
function apiKeysNow(kept: Secrets, file: string): string {
  return kept['API_KEY'] === undefined
    ? ''
    : `

Two API keys are good now:
- The key of the recovery file stays good. Go on with it.
- API_KEY is another one, for emergencies (break-glass): it works even while the list of keys cannot be read,
  and it has no end. It is in ${file}, and a secret of the Worker.`
}

/** A second run has nothing to do. @throws CliError for a server whose keys never lay in Control */
function alreadyMoved(keys: readonly ListedSealKey[], stored: Secrets, file: string): string {
  const ids = keys.map(({ id }) => id).join(', ')
  if (stored['SEAL_KEYS'] === undefined) {
    throw new CliError(
      `no seal key of this server lies in Control: its keys (${ids}) are secrets of the Worker already, so ` +
        'there is nothing to move',
    )
  }
  const done = `Nothing to do: the seal keys (${ids}) are secrets of the Worker, and ${file} keeps a copy.`
  return done + apiKeysNow(stored, file)
}

async function listSealKeys(access: AdminAccess): Promise<readonly ListedSealKey[]> {
  const text = await callApi(access, '/api/seal-keys', { method: 'GET' })
  const { items }: { items: ListedSealKey[] } = JSON.parse(text)
  return items
}

async function revealRing(access: AdminAccess): Promise<string> {
  const reader = newHandoverReader(RING_PURPOSE)
  const body = JSON.stringify({
    public_key: Buffer.from(reader.publicKey).toString('base64'),
    reason: REASON,
  })
  const text = await callApi(access, '/api/seal-keys/reveal', { method: 'POST', body })
  const { letter }: { letter: string } = JSON.parse(text)
  return Buffer.from(reader.open(Buffer.from(letter, 'base64'))).toString()
}

/** A new version of the Worker is being put in place: meanwhile it may have faults. */
async function untilSecret(
  access: AdminAccess,
  worker: string,
  { sleep, now }: ServerEffects,
): Promise<void> {
  const deadline = now() + SHOWN_WITHIN
  for (;;) {
    const keys = await listSealKeys(access).catch(ifPassing)
    if (keys?.every(({ place }) => place === 'secret')) {
      return
    }
    if (now() >= deadline) {
      throw new CliError(
        `the secrets are set, and ${access.url} does not use them yet. Nothing is lost: run this again in ` +
          'some minutes. If it ends so again, see whether the newest version has all requests: ' +
          `\`npx wrangler deployments status --name ${worker}\``,
      )
    }
    await sleep(BETWEEN_LOOKS)
  }
}

function ifPassing(error: unknown): undefined {
  const isPassing = error instanceof ApiError && (error.status ?? 500) >= 500
  if (!isPassing) {
    throw error
  }
}
