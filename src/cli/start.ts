/** `npm start`: the Worker on this machine, with a simulated APNs and simulated devices, and no account anywhere. */
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSimulatedApns, type SimulatedApns } from '../simulator/apns.ts'
import { installCA, listCAs, newAuthority, pemPairOf } from './ca-client.ts'
import { type ApnsTransport, createApnsTransport } from './apns-transport.ts'
import { CliError, messageOf } from './error.ts'
import { startFleet } from './fleet.ts'
import { lockState } from './lock.ts'
import { helpText, readOptions, type StartOptions } from './options.ts'
import { panelText } from './panel.ts'
import { claimPort } from './port.ts'
import {
  type PushIdentity,
  pushIdentity,
  readDeviceCA,
  readPushFiles,
  workerBindings,
} from './settings.ts'
import { localhostCertificate, makeStateDirectory, openState } from './state.ts'

const APPLE = 'https://api.push.apple.com'
const PROJECT = resolve(import.meta.dirname, '../..')
const READY_WITHIN = 120_000

interface Pushing {
  transport: ApnsTransport
  simulated: SimulatedApns | undefined
  /** For the panel. */
  text: string
}

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
      console.error(error instanceof CliError ? `edgemdm: ${error.message}` : error)
      await running.disposeAsync()
      process.exit(1)
    }
  }
}

async function start(options: StartOptions, running: AsyncDisposableStack): Promise<void> {
  const now = Date.now()
  const deviceCAs = options.deviceCAFiles.map(readDeviceCA)
  const realPush = options.push && pushIdentity(readPushFiles(options.push), now)
  const directory = makeStateDirectory(options.state)
  running.adopt(lockState(directory), (lock) => lock.release())
  const state = openState(directory, now)
  const push = realPush ?? pushIdentity(state.simulatedPush, now)
  const port = await claimPort(options.host, options.port)
  const url = `http://${urlHost(options.host)}:${port}`
  const pushing = await startPushing(options, push, realPush !== undefined, running)
  const bindings = workerBindings(options, state, process.env, { url, push, deviceCAs })
  const { startWorker } = await import('./worker.ts')
  const worker = await startWorker({
    projectDir: PROJECT,
    stateDir: directory,
    host: options.host,
    port,
    bindings,
    apns: pushing.transport,
  })
  running.defer(() => worker.close())
  console.log(
    panelText({
      url,
      apiKey: bindings.API_KEY,
      state: directory,
      apns: pushing.text,
      webhook: bindings.WEBHOOK_URL,
      openFiles: worker.openFiles,
    }),
  )
  await untilItAnswers(url)
  await provideCA(url, bindings.API_KEY)
  console.log(`EdgeMDM ready on ${url}`)
  if (options.devices > 0) {
    const fleet = await startFleet({
      count: options.devices,
      serverUrl: `${url}/mdm/connect`,
      checkInUrl: `${url}/mdm/checkin`,
      caCertificate: state.deviceCA.certificate,
      caKey: state.deviceCA.key,
      topic: push.topic,
      stateDir: join(directory, 'devices'),
      ...(pushing.simulated === undefined ? {} : { apns: pushing.simulated }),
    }).catch((error: unknown) => {
      throw new CliError(`the simulated devices: ${messageOf(error)}`)
    })
    running.defer(() => fleet.close())
    console.log(`${options.devices} simulated devices enrolled`)
  }
}

/** The first start makes the CA that issues identities at `/scep`; the Worker keeps it, its key sealed. */
async function provideCA(url: string, apiKey: string): Promise<void> {
  const [issuing] = await listCAs({ url, apiKey })
  if (issuing === undefined) {
    await installCA({ url, apiKey }, pemPairOf(newAuthority(Date.now())), { imported: false })
  } else if (issuing.warning !== undefined) {
    console.error(`edgemdm: ${issuing.warning}`)
  }
}

/** Pushes go to Apple with a real certificate, else to a simulated APNs on this machine, or where `--apns` says. */
async function startPushing(
  options: StartOptions,
  push: PushIdentity,
  isReal: boolean,
  running: AsyncDisposableStack,
): Promise<Pushing> {
  const { certificate, key, topic } = push
  let url = options.apns ?? APPLE
  let text = url
  let ca: string | undefined
  let simulated: SimulatedApns | undefined
  if (!isReal && options.apns === undefined) {
    const server = localhostCertificate(Date.now())
    simulated = await createSimulatedApns({
      ...server,
      clientCertificate: certificate,
      topic,
      // Devices simulated by another process, or by OpenSSL and curl, have tokens that only they know.
      acceptUnknownTokens: true,
    })
    running.adopt(simulated, (apns) => apns.close())
    url = simulated.url
    text = `${url}, simulated`
    ca = server.certificate
  }
  const transport = createApnsTransport({ url, certificate, key, ca })
  running.adopt(transport, (opened) => opened.close())
  return { transport, simulated, text }
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
