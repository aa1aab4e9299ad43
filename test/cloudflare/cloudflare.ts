import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newAccount, type Account } from './account.ts'
import { answer, type Behind, type Fault } from './api.ts'
import { startEdge, type Serve } from './edge.ts'
import type { Call } from './route.ts'

const PREFIX = '/client/v4'

export interface Cloudflare {
  readonly url: string
  /** The only account, or the first one. */
  readonly account: Account
  readonly accounts: readonly Account[]
  /** All requests, in the order of their answers. */
  readonly calls: readonly Call[]
  /** The whole environment of a child process that takes this for Cloudflare. */
  readonly env: Environment
  fail(fault: Fault): void
  /** What deployed Workers answer, at the hosts that the account has for them. Nothing until it is set. */
  serve: Serve
  close(): Promise<void>
}

type Environment = Readonly<Record<string, string>> & { readonly NODE_EXTRA_CA_CERTS: string }

export interface CloudflareOptions {
  /** Names of the accounts that the token may use. */
  readonly accounts?: readonly string[]
  /** Of workers.dev; `null` when none is registered. */
  readonly subdomain?: string | null
  /** Zones of the first account. */
  readonly zones?: readonly string[]
}

/** Cloudflare's REST API on loopback, as far as `wrangler` needs it for EdgeMDM. */
export async function startCloudflare(options: CloudflareOptions = {}): Promise<Cloudflare> {
  const { accounts: names = ['Example'], subdomain = 'example', zones = [] } = options
  const accounts = names.map((name, place) =>
    newAccount(name, subdomain ?? undefined, place === 0 ? zones : []),
  )
  const [account] = accounts
  if (!account) {
    throw new Error('a token without any account is not supported')
  }
  const calls: Call[] = []
  const faults: Behind['faults'] = []
  const home = await mkdtemp(join(tmpdir(), 'edgemdm-cloudflare-'))
  const sockets = new Set<Socket>()
  const server = createServer((incoming, response) => {
    void answer(incoming, { accounts, origin, faults }).then(({ call, json, headers }) => {
      calls.push(call)
      response.writeHead(call.status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(json))
    })
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const cloudflare: Cloudflare = {
    url: origin + PREFIX,
    account,
    accounts,
    calls,
    env: environment(origin, home),
    serve: () => new Response('no test says what this Worker answers', { status: 501 }),
    fail: (fault) => faults.push({ fault, left: fault.times ?? 1 }),
    async close() {
      server.close()
      sockets.forEach((socket) => socket.destroy())
      await once(server, 'close')
      await rm(home, { recursive: true, force: true })
    },
  }
  const ca = startEdge(server, accounts, (request) => cloudflare.serve(request))
  await writeFile(cloudflare.env.NODE_EXTRA_CA_CERTS, ca)
  return cloudflare
}

/** Nothing of the machine's own login, settings or caches is in it. */
function environment(origin: string, home: string): Environment {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    CLOUDFLARE_API_BASE_URL: origin + PREFIX,
    CLOUDFLARE_API_TOKEN: 'x',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_WRITE_LOGS: 'false',
    // Else it remembers the account in the node_modules of this project.
    WRANGLER_CACHE_DIR: join(home, 'cache'),
    NO_COLOR: '1',
    // Wrangler is 15 MB of code: a fifth of a call's time is its compilation.
    NODE_COMPILE_CACHE: join(tmpdir(), 'edgemdm-compile-cache'),
    HTTPS_PROXY: origin,
    NO_PROXY: '127.0.0.1',
    NODE_USE_ENV_PROXY: '1',
    NODE_EXTRA_CA_CERTS: join(home, 'edge.pem'),
  }
}
