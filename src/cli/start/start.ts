/**
 * `npm start`: the Worker on this machine, with a simulated APNs and simulated devices, and no account
 * anywhere.
 */
import { join, resolve } from 'node:path'
import { urlAtServer } from '../../simulator/device/enrolment.ts'
import {
  type AdminAccess,
  installCA,
  listCAs,
  newAuthority,
  pemPairOf,
  readEnrollment,
} from '../api-client.ts'
import { refuseForgottenDashes } from '../dashes.ts'
import { complaintOf, messageOf } from '../error.ts'
import { lockState } from '../lock.ts'
import { FLAGS, helpText, readOptions, type StartOptions } from '../options.ts'
import { startDepSimulator } from './devices/dep-simulator.ts'
import { startSimulated } from './devices/simulated.ts'
import { untilItAnswers } from './first-answer.ts'
import { readProject } from './project.ts'
import { panelText } from './panel.ts'
import { claimPort } from './port.ts'
import { startPushing } from './pushing.ts'
import { reloader, watchTree } from './reload.ts'
import { readDeviceCA, sealKeysOf, workerBindings } from '../settings.ts'
import { createOutput, type Output } from './terminal/output.ts'
import type { LocalWorker } from './worker.ts'
import { forgetUrl, makeStateDirectory, openState, rememberUrl } from '../state.ts'

const PROJECT = resolve(import.meta.dirname, '../../..')
const DAY = 86_400_000
/** After a signal, the same signal may arrive a second time within this time, from npm. */
const ECHO = 300

await main()

async function main(): Promise<void> {
  const running = new AsyncDisposableStack()
  let output: Output | undefined
  let stopping = false
  let hurryFrom = Infinity
  const stop = async (): Promise<void> => {
    if (stopping) {
      // npm repeats the Ctrl-C that the terminal has sent. A second Ctrl-C of the user ends the process at
      // once.
      if (Date.now() > hurryFrom) {
        process.exit(1)
      }
      return
    }
    stopping = true
    hurryFrom = Date.now() + ECHO
    output?.clear()
    output?.progress('stopping …')
    await running.disposeAsync()
    output?.clear()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void stop())
  }
  for (const stream of [process.stdout, process.stderr]) {
    // A closed pipe ends it, like other programs.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (stopping) {
        return
      }
      if (error.code !== 'EPIPE') {
        throw error
      }
      void stop()
    })
  }
  try {
    const args = process.argv.slice(2)
    refuseForgottenDashes('npm start', FLAGS, args, process.env)
    const options = readOptions(args)
    if (options.help) {
      process.stdout.write(helpText())
      return
    }
    const { stdout, stderr } = process
    output = createOutput(options.log, { stdout, stderr, now: () => new Date() })
    await start(options, running, output)
  } catch (error) {
    // A start that the signal interrupted fails when its parts are closed.
    if (!stopping) {
      output?.clear()
      console.error('edgemdm:', complaintOf(error))
      await running.disposeAsync()
      process.exit(1)
    }
  }
}

/** Loaded late: `--help` need not wait for them. */
async function loadTools() {
  const [{ startWorker }, project] = await Promise.all([
    import('./worker.ts'),
    readProject(PROJECT),
  ])
  return { startWorker, project }
}

async function start(
  options: StartOptions,
  running: AsyncDisposableStack,
  output: Output,
): Promise<void> {
  const deviceCAs = options.deviceCAFiles.map(readDeviceCA)
  const { directory, state, port, url } = await claim(options, running)
  const sealKeys = sealKeysOf(state, process.env)
  const pushing = await startPushing(options, state, sealKeys, running, output.say)
  const { push, keeper } = pushing
  const dep = options.depSimulator ? await startDepSimulator(state, running) : undefined
  const facts = { url, push, deviceCAs, ...(dep && { dep }) }
  const bindings = workerBindings(options, state, process.env, facts)
  output.progress('loading the tools …')
  const { startWorker, project } = await loadTools()
  const worker = await startWorker({
    project,
    stateDir: directory,
    host: options.host,
    port,
    bindings,
    inspect: options.inspect,
    print: output.event,
    progress: output.progress,
    apns: keeper.apns,
    pushKeeper: keeper,
  })
  running.defer(() => worker.close())
  output.progress('waiting for the Worker to answer …')
  await untilItAnswers(url)
  const access = { url, apiKey: bindings.API_KEY }
  const enrolment = await readEnrollment(access)
  output.say(
    panelText({
      ...access,
      publicUrl: new URL(enrolment.link).origin,
      enrolment,
      state: directory,
      pushes: pushing.text,
      topic: push.topic,
      webhook: bindings.WEBHOOK_URL,
      devices: options.devices,
      openFiles: worker.openFiles,
    }),
  )
  await provideCA(access)
  rememberUrl(directory, url)
  keepDailyRounds(worker, running)
  output.ready(url)
  keepReloading(options, worker, running, output.say)
  const apns = pushing.simulated
  const profileUrl = urlAtServer(enrolment.profile_url, url)
  await startSimulated(options, running, output, { access, directory, dep, apns, profileUrl })
}

/** The resources of this process while it runs. */
async function claim(options: StartOptions, running: AsyncDisposableStack) {
  const directory = makeStateDirectory(options.state)
  running.adopt(lockState(directory), (lock) => lock.release())
  forgetUrl(directory)
  const state = openState(directory, Date.now())
  const port = await claimPort(options.host, options.port)
  if (options.inspect !== undefined) {
    // Miniflare waits for ever for a port that is taken.
    await claimPort('127.0.0.1', options.inspect, '--inspect')
  }
  return { directory, state, port, url: `http://${urlHost(options.host)}:${port}` }
}

/**
 * The first start makes the CA that issues identities at `/scep`. The Worker keeps it, with its key sealed.
 */
async function provideCA(access: AdminAccess): Promise<void> {
  const [issuing] = await listCAs(access)
  if (issuing === undefined) {
    await installCA(access, pemPairOf(newAuthority(Date.now())), { imported: false })
  } else if (issuing.warning !== null) {
    console.error(`edgemdm: ${issuing.warning}`)
  }
}

function keepReloading(
  { reload }: StartOptions,
  worker: LocalWorker,
  running: AsyncDisposableStack,
  say: Output['say'],
): void {
  if (reload) {
    const changed = reloader(worker, say)
    running.defer(watchTree(join(PROJECT, 'src'), () => void changed()))
  }
}

/** Local crons do not run. */
function keepDailyRounds(worker: LocalWorker, running: AsyncDisposableStack): void {
  let stopped = false
  const round = (): void => {
    worker.scheduled().catch((error: unknown) => {
      if (!stopped) {
        console.error(`edgemdm: the daily round failed: ${messageOf(error)}`)
      }
    })
  }
  round()
  const timer = setInterval(round, DAY)
  running.defer(() => {
    stopped = true
    clearInterval(timer)
  })
}

/** The host for the URL: a wildcard is no address that a client can call. */
function urlHost(host: string): string {
  const reachable: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  const address = reachable[host] ?? host
  return address.includes(':') ? `[${address}]` : address
}
