import { expiryWarning } from '../../pki/x509/push-certificate.ts'
import { createSimulatedApns, type SimulatedApns } from '../../simulator/apns/apns.ts'
import { CliError } from '../error.ts'
import { readInstalledPush, writeInstalledPush } from '../push-cert/installed-push.ts'
import type { StartOptions } from '../options.ts'
import { createPushKeeper, type ApnsKeeper } from './push-keeper.ts'
import { type PushPair, pushIdentity, readPushFiles } from '../settings.ts'
import { localhostCertificate, type State } from '../state.ts'

const APPLE = 'https://api.push.apple.com'

export interface Pushing {
  keeper: ApnsKeeper
  /** The pair for the first pushes; a request may replace it. */
  push: PushPair
  simulated: SimulatedApns | undefined
  /** For the panel. */
  text: string
}

type Source = 'flags' | 'installed' | 'simulated'

/**
 * Pushes go to Apple with a real certificate, given by flags or installed, else to a simulated APNs on this
 * machine; or to the URL of `--apns`.
 */
export async function startPushing(
  options: StartOptions,
  state: State,
  sealKeys: string,
  running: AsyncDisposableStack,
  say: (text: string) => void,
): Promise<Pushing> {
  const now = Date.now()
  const { push, source } = choosePush(options, state, sealKeys, now)
  const real = options.apns ?? APPLE
  const simulated =
    source === 'simulated' && options.apns === undefined
      ? await startSimulatedApns(push, now)
      : undefined
  if (simulated) {
    running.adopt(simulated.apns, (apns) => apns.close())
  }
  const keeper = createPushKeeper({
    pair: push,
    url: simulated?.apns.url ?? real,
    ca: simulated?.ca,
    install(pair) {
      if (source === 'flags') {
        throw new CliError(
          'this server was started with --push-cert, which would win again at its next start: ' +
            'start it without',
        )
      }
      writeInstalledPush(state.directory, sealKeys, pair)
      say(`a new push certificate is installed: pushes go to ${real}`)
      return real
    },
  })
  running.adopt(keeper, (opened) => opened.close())
  return { keeper, push, simulated: simulated?.apns, text: describe(push, simulated?.apns, real) }
}

function choosePush(
  options: StartOptions,
  state: State,
  sealKeys: string,
  now: number,
): { push: PushPair; source: Source } {
  if (options.push) {
    return { push: pushIdentity(readPushFiles(options.push), now), source: 'flags' }
  }
  const installed = readInstalledPush(state.directory, sealKeys)
  // An expired certificate is used too: devices have to be served, and the panel says what to do.
  return installed
    ? { push: pushIdentity(installed, 0), source: 'installed' }
    : { push: pushIdentity(state.simulatedPush, now), source: 'simulated' }
}

async function startSimulatedApns(push: PushPair, now: number) {
  const server = localhostCertificate(now)
  const apns = await createSimulatedApns({
    ...server,
    clientCertificate: push.certificate,
    topic: push.topic,
    // Only the other process, or OpenSSL and curl, know the tokens of the devices that they simulate.
    acceptUnknownTokens: true,
  })
  return { apns, ca: server.certificate }
}

function describe(push: PushPair, simulated: SimulatedApns | undefined, real: string): string {
  if (simulated) {
    return 'to a simulated APNs (to Apple: npm run push-cert)'
  }
  const until = new Date(push.notAfter).toISOString().slice(0, 10)
  const warning = expiryWarning(push.notAfter, Date.now())
  return `to ${real}, certificate until ${until}${warning === undefined ? '' : `\n  WARNING     ${warning}`}`
}
