/** A server that was claimed by its page, in a fake of Cloudflare, and `npm run keys -- to-secrets` for it. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject, vi } from 'vitest'
import { callWrangler } from '../../src/cli/deploy/cloudflare/wrangler.ts'
import { moveSealKeys } from '../../src/cli/keys/to-secrets.ts'
import type { SecretOrder } from '../../src/cli/keys/worker-secrets.ts'
import { RING_PURPOSE, writeLetter } from '../../src/pki/seal/handover.ts'
import { createSealer } from '../../src/pki/seal/seal.ts'
import { activeVersion, addWorker, type Worker } from '../cloudflare/account.ts'
import { type Cloudflare, startCloudflare } from '../cloudflare/cloudflare.ts'
import { installResident } from '../cloudflare/resident/program.ts'
import { newState, PROJECT } from './server.ts'

export const newSealKey = (name: string): string => `${name}:${randomBytes(32).toString('base64')}`

const idsOf = (ring: string): readonly string[] => (ring === '' ? [] : createSealer(ring).keyIds)

/** A server of ours with these texts as secrets. */
export function addServer(
  { account }: Cloudflare,
  name: string,
  secrets: Record<string, string> = {},
): Worker {
  const texts = Object.entries(secrets).map(([secret, text]) => ({
    type: 'secret_text',
    name: secret,
    text,
  }))
  const objects = { type: 'durable_object_namespace', name: 'DEVICE', class_name: 'Device' }
  return addWorker(account, name, [objects, ...texts])
}

export function secretOf(worker: Worker | undefined, name: string): string {
  const found = activeVersion(worker)?.bindings.find((binding) => binding.name === name)
  return typeof found?.['text'] === 'string' ? found['text'] : ''
}

/** What `npm run keys` calls of the server. Its Worker is in the account, its object Control is here. */
export function claimedServer(worker: Worker, held: string) {
  const server = {
    held,
    reveals: 0,
    looks: 0,
    /** A call that fails once: before its effect, or after it. */
    fault: undefined as undefined | { call: string; afterwards?: boolean },
    /** Looks at the list until the new version of the Worker is in place. */
    late: 0,
  }
  const list = (): object[] => {
    const secrets = server.looks++ < server.late ? [] : idsOf(secretOf(worker, 'SEAL_KEYS'))
    const kept = idsOf(server.held)
    return [...new Set([...secrets, ...kept])].map((id) => ({
      id,
      place: secrets.includes(id) ? 'secret' : 'control',
      in_control: kept.includes(id),
    }))
  }
  const handle = async (call: string, request: Request): Promise<Response> => {
    switch (call) {
      case 'GET /api/seal-keys':
        return Response.json({ items: list(), next: null })
      case 'POST /api/seal-keys/reveal': {
        server.reveals += 1
        const { public_key: key }: { public_key: string } = JSON.parse(await request.text())
        const letter = writeLetter(
          Buffer.from(server.held),
          Buffer.from(key, 'base64'),
          RING_PURPOSE,
        )
        return Response.json({ letter: Buffer.from(letter).toString('base64') })
      }
      case 'DELETE /api/seal-keys/control':
        if (idsOf(server.held).some((id) => !idsOf(secretOf(worker, 'SEAL_KEYS')).includes(id))) {
          return Response.json({ detail: 'the secrets lack a key' }, { status: 409 })
        }
        server.held = ''
        return new Response(null, { status: 204 })
      default:
        return new Response('', { status: 404 })
    }
  }
  const serve = async (request: Request): Promise<Response> => {
    const call = `${request.method} ${new URL(request.url).pathname}`
    const { fault } = server
    if (fault?.call !== call) {
      return handle(call, request)
    }
    server.fault = undefined
    if (fault.afterwards === true) {
      await handle(call, request)
    }
    return Response.json({ detail: 'the power went off' }, { status: 500 })
  }
  return { server, serve }
}

export interface ClaimedScene {
  readonly cf: Cloudflare
  readonly worker: Worker
  readonly server: ReturnType<typeof claimedServer>['server']
  readonly ring: string
  readonly state: string
  readonly folder: string
  /** In this process, with a clock that does not wait. Answers what was printed, and the error. */
  readonly move: (name?: string, url?: string) => Promise<{ printed: string; error: string }>
}

/** @param secrets of the Worker already @param held by Control */
export async function claimedScene(
  secrets: Record<string, string> = {},
  held = newSealKey('k1'),
): Promise<ClaimedScene> {
  const cf = await startCloudflare()
  const worker = addServer(cf, 'edgemdm', secrets)
  const { server, serve } = claimedServer(worker, held)
  cf.serve = serve
  const state = await newState()
  return {
    cf,
    worker,
    server,
    ring: held,
    state,
    folder: join(state, 'deployments/edgemdm'),
    move: (name, url) => move(cf, { stateDir: state, name, account: undefined }, url),
  }
}

const network = globalThis.fetch
const ACCESS = { url: 'https://edgemdm.example.workers.dev', apiKey: 'emk_setup' }

/** The wrangler of its folder is the process that stays: `toSecretsProcess` has the program. */
const residentProject = newState().then(async (folder) => {
  await installResident(folder, inject('wranglerDoor'))
  return folder
})

async function move(cf: Cloudflare, order: SecretOrder, url = ACCESS.url) {
  const lines: string[] = []
  vi.stubGlobal('fetch', (input: string, init: RequestInit) =>
    new URL(input).hostname === '127.0.0.1'
      ? network(input, init)
      : cf.serve(new Request(input, init)),
  )
  let passed = 0
  const error = await moveSealKeys({ ...ACCESS, url }, order, {
    projectDir: await residentProject,
    env: cf.env,
    fetch,
    sleep: async (milliseconds) => void (passed += milliseconds),
    now: () => passed,
    callWrangler,
    screen: {
      show: (text) => void lines.push(text),
      tell: () => undefined,
      ask: undefined,
      isWatched: false,
    },
  }).then(
    () => '',
    (thrown: unknown) => String(thrown),
  )
  return { printed: lines.join('\n'), error }
}

/** `npm run keys -- to-secrets` as a process. */
export function toSecretsProcess({ cf, state }: ClaimedScene, ...args: string[]) {
  const all = ['src/cli/keys/keys.ts', 'to-secrets', '--server', ACCESS.url, '--state', state]
  const env = { ...cf.env, API_KEY: ACCESS.apiKey }
  return promisify(execFile)(process.execPath, [...all, ...args], { cwd: PROJECT, env })
}
