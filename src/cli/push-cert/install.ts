import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../error.ts'
import { checkPushChange, refuseEarlierEnd } from './change.ts'
import { readInstalledPush, writeInstalledPush } from './installed-push.ts'
import { lockState, StateInUse } from '../lock.ts'
import { apiKeyOf, type Environment, type PushPair, sealKeysOf } from '../settings.ts'
import { openState, rememberedUrl, type State } from '../state.ts'

export interface LocalInstall {
  stateDir: string
  push: PushPair
  /** Change the topic even though devices are enrolled. */
  force: boolean
  apiKey: string | undefined
  env: Environment
  fetch: typeof fetch
  now: number
}

const STARTING = 120_000

/** Installs into the state directory, or through the server that runs on it. The answer tells which one. */
export async function installLocally(install: LocalInstall): Promise<'running' | 'stopped'> {
  const state = openState(install.stateDir, install.now)
  const sealKeys = sealKeysOf(state, install.env)
  const before = (readInstalledPush(install.stateDir, sealKeys) ?? state.simulatedPush).certificate
  let lock: ReturnType<typeof lockState>
  try {
    lock = lockState(install.stateDir)
  } catch (error) {
    if (error instanceof StateInUse) {
      refuseEarlierEnd(before, install.push, install.force)
      await installAtServer(install, state)
      return 'running'
    }
    throw error
  }
  try {
    const { push, force } = install
    const enrolled = () => countEnrolled(install.stateDir)
    await checkPushChange({ before, push, force, enrolled })
    writeInstalledPush(install.stateDir, sealKeys, push)
    return 'stopped'
  } finally {
    lock.release()
  }
}

async function installAtServer(install: LocalInstall, state: State): Promise<void> {
  const url = await urlOfServer(install.stateDir)
  const { certificate, key } = install.push
  const credentials = `micromdm:${apiKeyOf(state, install.env, install.apiKey)}`
  const response = await install.fetch(
    `${url}/v1/config/certificate${install.force ? '?force=true' : ''}`,
    {
      method: 'PUT',
      // A private key goes only to the server that was named.
      redirect: 'manual',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      body: JSON.stringify({
        cert: Buffer.from(certificate).toString('base64'),
        key: Buffer.from(key).toString('base64'),
      }),
    },
  )
  if (!response.ok) {
    const hint = response.status === 401 ? ' (give its API key as --api-key)' : ''
    // The server tells the callers of its API which parameter to add to the URL.
    const error = errorIn(await response.text()).replace('?force=true', '--force')
    throw new CliError(`the server at ${url} says: ${error}${hint}`)
  }
}

function errorIn(body: string): string {
  return /"error": (".*")/.exec(body)?.[1] ?? body
}

async function urlOfServer(stateDir: string): Promise<string> {
  const known = rememberedUrl(stateDir)
  if (known !== undefined) {
    return known
  }
  console.error('waiting until the server on this state directory is ready')
  const deadline = Date.now() + STARTING
  while (Date.now() < deadline) {
    await sleep(100)
    const url = rememberedUrl(stateDir)
    if (url !== undefined) {
      return url
    }
  }
  throw new CliError('a server is starting or ending on this state directory: try again')
}

/**
 * Reads the file of the local D1, whose name is a hash. The lock guarantees that no other process has it
 * open.
 */
function countEnrolled(stateDir: string): number {
  const folder = join(stateDir, 'worker/d1/miniflare-D1DatabaseObject')
  const files = existsSync(folder) ? readdirSync(folder) : []
  return files
    .filter((name) => /^[0-9a-f]+\.sqlite$/.test(name))
    .map((name) => countIn(join(folder, name)))
    .reduce((sum, count) => sum + count, 0)
}

function countIn(file: string): number {
  const database = new DatabaseSync(file)
  try {
    if (!database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'devices'").get()) {
      return 0
    }
    const row = database
      .prepare('SELECT count(*) AS enrolled FROM devices WHERE enrolled AND NOT hidden')
      .get()
    return Number(row?.['enrolled'])
  } finally {
    database.close()
  }
}
