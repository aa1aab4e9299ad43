/** `npm run deploy` in this process, with wrangler's own code, on a project that is quick to bundle. */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { request as forward } from 'node:http'
import { join } from 'node:path'
import { inject, vi } from 'vitest'
import { readDeployOrder } from '../../src/cli/deploy/arguments.ts'
import { callWrangler } from '../../src/cli/deploy/cloudflare/wrangler.ts'
import { callDoctor } from '../../src/cli/deploy/examine.ts'
import { runDeploy } from '../../src/cli/deploy/run.ts'
import type { DeployEvent, Screen } from '../../src/cli/deploy/screen.ts'
import type { Cloudflare } from '../cloudflare/cloudflare.ts'
import { installResident } from '../cloudflare/resident/program.ts'
import { newState, PROJECT } from './server.ts'

/**
 * The committed configuration, a Worker with the classes that it names, and two migrations.
 * @param wrangler the program, or its code in a process that stays, which takes a tenth of the CPU
 */
export async function newProject(wrangler: 'program' | 'resident' = 'resident'): Promise<string> {
  const project = await newState()
  const toml = await readFile(join(PROJECT, 'wrangler.toml'), 'utf8')
  const classes = [...toml.matchAll(/^exports\.(\w+) = .*storage = "sqlite"/gm)].map(
    ([, name]) => `export class ${name} extends DurableObject {}`,
  )
  const source = [
    "import { DurableObject } from 'cloudflare:workers'",
    ...classes,
    "export default { fetch: () => new Response(''), queue() {}, scheduled() {} }",
  ].join('\n')
  await mkdir(join(project, 'src'))
  await mkdir(join(project, 'dist/public'), { recursive: true })
  await mkdir(join(project, 'migrations/directory'), { recursive: true })
  await Promise.all([
    cp(join(PROJECT, 'src/stand-ins'), join(project, 'src/stand-ins'), { recursive: true }),
    wrangler === 'program'
      ? symlink(join(PROJECT, 'node_modules'), join(project, 'node_modules'))
      : installResident(project, inject('wranglerDoor')),
    writeFile(join(project, 'wrangler.toml'), toml),
    // What the build would make is there.
    writeFile(join(project, 'package.json'), '{"scripts":{"build":"true"}}'),
    writeFile(join(project, 'dist/index.js'), source),
    writeFile(join(project, 'dist/public/openapi.json'), '{}'),
    writeFile(join(project, 'src/index.ts'), source),
    addMigration(project, '0000_first.sql', 'CREATE TABLE devices (enrolled, hidden)'),
    addMigration(project, '0001_second.sql', 'CREATE TABLE second (id)'),
  ])
  return project
}

export function addMigration(project: string, name: string, sql: string): Promise<void> {
  return writeFile(join(project, 'migrations/directory', name), `${sql};\n`)
}

/** The D1 and the queue of a deployment, as another tool makes them. */
export async function addResources({ url, account }: Cloudflare, name: string): Promise<void> {
  for (const [path, body] of [
    ['/d1/database', { name }],
    ['/queues', { queue_name: `${name}-events` }],
  ] as const) {
    const init = { method: 'POST', body: JSON.stringify(body) }
    await fetch(`${url}/accounts/${account.id}${path}`, init)
  }
}

/** What the deployed server would answer. It keeps its CA as long as the test runs. */
export function standInServer() {
  const server = {
    authorities: 0,
    devicesFrom: Infinity,
    looks: 0,
    keys: new Set<string>(),
    claim: { claimed: true, code: 'missing' },
  }
  const serve = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname
    const basic = request.headers.get('authorization')?.replace('Basic ', '') ?? ''
    if (!['/version', '/setup/state'].includes(path)) {
      server.keys.add(atob(basic).replace('micromdm:', ''))
    }
    switch (`${request.method} ${path}`) {
      case 'GET /version':
        return Response.json({ version: '0.1.0', build_user: 'edgemdm' })
      case 'GET /setup/state':
        return Response.json(server.claim)
      case 'POST /api/ca':
        server.authorities += 1
        return Response.json({})
      case 'GET /api/ca':
        return Response.json({ items: server.authorities > 0 ? [{ issues: true }] : [] })
      case 'GET /api/devices':
        return Response.json({ items: ++server.looks > server.devicesFrom ? [{}] : [] })
      case 'GET /api/enrollment':
        return Response.json({
          link: 'https://host/?token=the-token',
          meaning: '',
          profile_url: '',
        })
      default:
        return new Response('', { status: 404 })
    }
  }
  return { server, serve }
}

/** Lets a server of this machine answer for a deployed Worker. */
export function serveFrom(url: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname, search } = new URL(request.url)
    const body = Buffer.from(await request.arrayBuffer())
    const { method } = request
    // The server itself is asked: it knows its public name.
    const headers = { ...Object.fromEntries(request.headers), host: new URL(url).host }
    return new Promise((resolve, reject) => {
      const onward = forward(url + pathname + search, { method, headers }, (reply) => {
        // The server may answer before it has read a whole body.
        onward.off('error', reject).on('error', () => undefined)
        const chunks: Buffer[] = []
        reply.on('data', (chunk: Buffer) => chunks.push(chunk))
        reply.once('close', () => {
          const { statusCode: status = 500 } = reply
          const isEmpty = [204, 304].includes(status)
          const sent = Object.entries(reply.headers).map(([name, value]) => [name, String(value)])
          const shown = sent.filter(([name]) => name !== 'transfer-encoding')
          const init = { status, headers: Object.fromEntries(shown) }
          resolve(new Response(isEmpty ? null : Buffer.concat(chunks), init))
        })
      })
      onward.once('error', reject).end(body)
    })
  }
}

export interface Deployed {
  readonly exit: number
  readonly events: readonly DeployEvent[]
  /** Everything that was printed, for people and for programs. */
  readonly printed: string
  readonly failure: Extract<DeployEvent, { type: 'failed' }> | undefined
  /** The steps that ended well. */
  readonly steps: readonly string[]
  readonly plan: Extract<DeployEvent, { type: 'plan' }> | undefined
}

export interface DeployOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Answers at the terminal, in the order of the questions; without them there is none. */
  readonly answers?: string[]
  /** Added to the clock. */
  readonly later?: number
}

/** @param state the state directory */
export async function deployWith(
  cf: Cloudflare,
  { project, state }: { readonly project: string; readonly state: string },
  args: readonly string[],
  { env = {}, answers, later = 0 }: DeployOptions = {},
): Promise<Deployed> {
  const events: DeployEvent[] = []
  const shown: string[] = []
  const screen: Screen = {
    tell: (event) => void events.push(event),
    show: (text) => void shown.push(text),
    isWatched: answers !== undefined,
    ask: answers && ((question) => (shown.push(question), Promise.resolve(answers.shift() ?? ''))),
  }
  // A stand-in would not pass the doctor's checks.
  const order = readDeployOrder(['--state', state, '--no-doctor', ...args], env)
  if ('help' in order) {
    throw new Error('help is no deployment')
  }
  vi.stubGlobal('fetch', fetchAt(cf))
  const exit = await runDeploy(order, {
    projectDir: project,
    env: { ...cf.env, ...env },
    fetch,
    sleep: () => Promise.resolve(),
    now: () => Date.now() + later,
    screen,
    callWrangler,
    callDoctor,
  })
  const failed = events.find((event) => event.type === 'failed')
  return {
    exit,
    events,
    printed: [...events.map((event) => JSON.stringify(event)), ...shown].join('\n'),
    failure: failed,
    steps: events.flatMap((event) => (event.type === 'end' ? [event.step] : [])),
    plan: events.find((event) => event.type === 'plan'),
  }
}

const network = globalThis.fetch

/** Names resolve to the hosts of the fake account. */
function fetchAt(cf: Cloudflare): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const { hostname } = new URL(request.url)
    return hostname === '127.0.0.1' ? network(request) : cf.serve(request)
  }
}

/** Calls that change something, in their order. */
export function changesIn({ calls }: Cloudflare, from = 0): string[] {
  return calls
    .slice(from)
    .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/query'))
    .map(({ method, path }) => `${method} ${path}`)
}
