import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'
import { outputOf, within } from '../e2e/server.ts'

const CHROMIUM = '/usr/bin/chromium'
const ATTEMPTS = 3
const APT_TAKES_AT_MOST = 600_000

export interface Page {
  /** Resolves when the page of that address has loaded, whatever its status. */
  goto(url: string): Promise<void>
  /** The value of a script's expression in the page; promises are awaited. */
  evaluate<Value>(expression: string): Promise<Value>
  /** The addresses for which the browser would have asked for a user and a password, from now on. */
  prompts(): Promise<readonly string[]>
}

export interface Browser {
  /** A page with cookies and credentials of its own. */
  newPage(): Promise<Page>
  close(): Promise<void>
}

/** They end when this process exits. */
const browsers = new Set<ChildProcess>()
process.once('exit', () => browsers.forEach((browser) => browser.kill('SIGKILL')))

/** A headless Chromium, spoken to by the DevTools protocol. `hosts` are names that lead to this machine. */
export async function startBrowser(...hosts: readonly string[]): Promise<Browser> {
  const command = await findChromium()
  const profile = await mkdtemp(join(tmpdir(), 'edgemdm-browser-'))
  const child = spawn(
    command,
    [
      '--headless',
      // The sandbox needs rights that root in a container lacks, and its /dev/shm is small.
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(',')}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  browsers.add(child)
  const exit = once(child, 'exit')
  const output = outputOf(child)
  await output.until('DevTools listening on')
  const tools = await connect(/DevTools listening on (\S+)/.exec(output.text())?.[1] ?? '')
  return {
    async newPage() {
      const context = await tools.send('Target.createBrowserContext')
      const target = await tools.send('Target.createTarget', { url: 'about:blank', ...context })
      const attached = await tools.send('Target.attachToTarget', { ...target, flatten: true })
      return pageOf(tools, String(attached['sessionId']))
    },
    async close() {
      await tools.send('Browser.close')
      await within(exit, () => `Chromium does not end:\n${output.text()}`)
      browsers.delete(child)
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function pageOf(tools: DevTools, session: string): Promise<Page> {
  await tools.send('Page.enable', {}, session)
  return {
    async goto(url) {
      const loaded = new Promise<void>((resolve) => {
        tools.on(session, 'Page.loadEventFired', () => resolve())
      })
      const { errorText } = await tools.send('Page.navigate', { url }, session)
      if (errorText !== undefined) {
        throw new Error(`${url}: ${JSON.stringify(errorText)}`)
      }
      await within(loaded, () => `${url} does not load`)
    },
    async evaluate<Value>(expression: string) {
      const { result, exceptionDetails } = await tools.send(
        'Runtime.evaluate',
        { expression, awaitPromise: true, returnByValue: true },
        session,
      )
      if (exceptionDetails !== undefined) {
        throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
      }
      return (result as { value: Value }).value
    },
    async prompts() {
      const asked: string[] = []
      // A page that is left takes its requests along.
      const goOn = (method: string, params: Fields) => {
        tools.send(method, params, session).catch(() => undefined)
      }
      tools.on(session, 'Fetch.requestPaused', ({ requestId }) => {
        goOn('Fetch.continueRequest', { requestId })
      })
      tools.on(session, 'Fetch.authRequired', ({ requestId, request }) => {
        asked.push((request as { url: string }).url)
        const authChallengeResponse = { response: 'CancelAuth' }
        goOn('Fetch.continueWithAuth', { requestId, authChallengeResponse })
      })
      await tools.send('Fetch.enable', { handleAuthRequests: true }, session)
      return asked
    },
  }
}

type Fields = Record<string, unknown>

interface DevTools {
  send(method: string, params?: Fields, session?: string): Promise<Fields>
  /** One listener for each event of a session. */
  on(session: string, event: string, listener: (params: Fields) => void): void
}

interface Heard {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: Fields
  readonly result?: Fields
  readonly error?: { readonly message: string }
}

async function connect(url: string): Promise<DevTools> {
  const socket = new WebSocket(url)
  const answers = new Map<number, (heard: Heard) => void>()
  const listeners = new Map<string, (params: Fields) => void>()
  socket.on('message', (data: Buffer) => {
    const heard: Heard = JSON.parse(data.toString())
    if (heard.id === undefined) {
      listeners.get(`${heard.sessionId} ${heard.method}`)?.(heard.params ?? {})
    } else {
      answers.get(heard.id)?.(heard)
      answers.delete(heard.id)
    }
  })
  await once(socket, 'open')
  let last = 0
  return {
    async send(method, params = {}, sessionId) {
      last += 1
      const id = last
      const answer = new Promise<Heard>((resolve) => {
        answers.set(id, resolve)
      })
      socket.send(JSON.stringify({ id, method, params, sessionId }))
      const { result, error } = await within(answer, () => `Chromium does not answer ${method}`)
      if (!result) {
        throw new Error(`${method}: ${error?.message ?? 'no result'}`)
      }
      return result
    },
    on(session, event, listener) {
      listeners.set(`${session} ${event}`, listener)
    },
  }
}

/** The one that `CHROMIUM` names, else Debian's, which is installed if it is not there. */
async function findChromium(): Promise<string> {
  const named = process.env['CHROMIUM']
  if (named) {
    return named
  }
  if (!existsSync(CHROMIUM)) {
    await installChromium()
  }
  return CHROMIUM
}

async function installChromium(): Promise<void> {
  let problem = ''
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      await apt('update')
      await apt('install', '-y', '--no-install-recommends', 'chromium')
      return
    } catch (error) {
      problem = String(error)
    }
  }
  throw new Error(
    `this test needs Chromium: install Debian's package chromium as root, or name one in the variable CHROMIUM. apt-get could not: ${problem}`,
  )
}

/** Waits for another apt-get that is at work. */
async function apt(...words: readonly string[]): Promise<void> {
  await promisify(execFile)('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...words], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: APT_TAKES_AT_MOST,
    maxBuffer: 10_000_000,
  })
}
