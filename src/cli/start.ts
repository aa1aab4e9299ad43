/** `npm start`: the Worker on this machine, with a simulated APNs and simulated devices, and no account anywhere. */
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { reach } from '../simulator/enrolment.ts'
import type { Fleet } from '../simulator/fleet.ts'
import { versionIn } from '../simulator/os.ts'
import { installCA, listCAs, newAuthority, pemPairOf, readEnrollment } from './admin-client.ts'
import { CliError, complaintOf, messageOf } from './error.ts'
import { type FleetStart, startFleet } from './fleet.ts'
import { lockState } from './lock.ts'
import { helpText, readOptions, type StartOptions } from './options.ts'
import { panelText } from './panel.ts'
import { claimPort } from './port.ts'
import { startPushing } from './pushing.ts'
import { readDeviceCA, sealKeysOf, workerBindings } from './settings.ts'
import type { LocalWorker } from './worker.ts'
import { forgetUrl, makeStateDirectory, openState, rememberUrl } from './state.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
/** What a Worker answers that lacks a setting or cannot read one: waiting will not mend it. */
const NOT_CONFIGURED = 'EdgeMDM is not configured'
const READY_WITHIN = 120_000
const DAY = 86_400_000

await main()

async function main(): Promise<void> {
  const running = new AsyncDisposableStack()
  let stopping = false
  const stop = async (): Promise<void> => {
    // A second Ctrl-C does not wait.
    if (stopping) {
      process.exit(1)
    }
    stopping = true
    await running.disposeAsync()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void stop())
  }
  try {
    const options = readOptions(process.argv.slice(2))
    if (options.help) {
      process.stdout.write(helpText())
      return
    }
    await start(options, running)
  } catch (error) {
    // What was half started when the signal came fails as it is taken away.
    if (!stopping) {
      console.error('edgemdm:', complaintOf(error))
      await running.disposeAsync()
      process.exit(1)
    }
  }
}

async function start(options: StartOptions, running: AsyncDisposableStack): Promise<void> {
  const now = Date.now()
  const deviceCAs = options.deviceCAFiles.map(readDeviceCA)
  const directory = makeStateDirectory(options.state)
  running.adopt(lockState(directory), (lock) => lock.release())
  forgetUrl(directory)
  const state = openState(directory, now)
  const port = await claimPort(options.host, options.port)
  if (options.inspect !== undefined) {
    // Miniflare waits without end for a port that it cannot have.
    await claimPort('127.0.0.1', options.inspect, '--inspect')
  }
  const url = `http://${urlHost(options.host)}:${port}`
  const pushing = await startPushing(options, state, sealKeysOf(state, process.env), running)
  const { push, keeper } = pushing
  const bindings = workerBindings(options, state, process.env, { url, push, deviceCAs })
  const { startWorker } = await import('./worker.ts')
  const worker = await startWorker({
    projectDir: PROJECT,
    stateDir: directory,
    host: options.host,
    port,
    bindings,
    inspect: options.inspect,
    apns: keeper.apns,
    pushKeeper: keeper,
  })
  running.defer(() => worker.close())
  await untilItAnswers(url)
  const enrolment = await readEnrollment({ url, apiKey: bindings.API_KEY })
  console.log(
    panelText({
      url,
      enrolment: enrolment.link,
      enrolmentMeaning: enrolment.meaning,
      apiKey: bindings.API_KEY,
      state: directory,
      apns: pushing.text,
      topic: push.topic,
      webhook: bindings.WEBHOOK_URL,
      openFiles: worker.openFiles,
    }),
  )
  await provideCA(url, bindings.API_KEY)
  rememberUrl(directory, url)
  keepDailyRounds(worker, running)
  console.log(`EdgeMDM ready on ${url}`)
  if (options.devices > 0) {
    const { simulated: apns } = pushing
    const fleet = await startDevices(options.devices, {
      server: url,
      profileUrl: reach(enrolment.profile_url, url),
      stateDir: join(directory, 'devices'),
      ...(options.os !== undefined && { release: options.os }),
      ...(apns && { apns }),
    })
    running.defer(() => fleet.close())
  }
}

async function startDevices(
  count: number,
  where: Omit<FleetStart, 'count'>,
): Promise<Pick<Fleet, 'close'>> {
  const fleet = await startFleet({ count, ...where }).catch((error: unknown) => {
    throw new CliError(`the simulated devices: ${messageOf(error)}`)
  })
  console.log(`${count} simulated ${count === 1 ? 'device' : 'devices'} enrolled`)
  const { release } = where
  const others = fleet.devices.filter(
    ({ platform, osVersion }) =>
      release !== undefined && osVersion !== versionIn(release, platform),
  )
  if (others.length > 0) {
    console.log(
      `${others.length} of them are of an earlier start and keep their OS: --os is for new ones`,
    )
  }
  return fleet
}

/** The first start makes the CA that issues identities at `/scep`; the Worker keeps it, its key sealed. */
async function provideCA(url: string, apiKey: string): Promise<void> {
  const [issuing] = await listCAs({ url, apiKey })
  if (issuing === undefined) {
    await installCA({ url, apiKey }, pemPairOf(newAuthority(Date.now())), { imported: false })
  } else if (issuing.warning !== null) {
    console.error(`edgemdm: ${issuing.warning}`)
  }
}

/** Local crons do not fire. */
function keepDailyRounds(worker: LocalWorker, running: AsyncDisposableStack): void {
  const round = (): void => {
    worker.scheduled().catch((error: unknown) => {
      console.error(`edgemdm: the daily round failed: ${messageOf(error)}`)
    })
  }
  round()
  const timer = setInterval(round, DAY)
  running.defer(() => clearInterval(timer))
}

async function untilItAnswers(url: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN
  let last = 'nothing'
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${url}/version`)
      const body = await response.text()
      if (response.status === 200) {
        return
      }
      last = `${response.status} ${body.trim()}`
      if (body.includes(NOT_CONFIGURED)) {
        break
      }
    } catch (error) {
      last = messageOf(error)
    }
    await sleep(100)
  }
  throw new CliError(`the Worker does not answer GET ${url}/version: ${last}`)
}

/** An address to reach it by: a wildcard is none. */
function urlHost(host: string): string {
  const reachable: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  const address = reachable[host] ?? host
  return address.includes(':') ? `[${address}]` : address
}
