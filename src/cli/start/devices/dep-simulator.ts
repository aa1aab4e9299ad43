/** Apple’s device assignment service, simulated beside the Worker (`--dep-simulator`). */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pem } from '../../../pki/x509/issue.ts'
import { createSimulatedDep, type SimulatedDep } from '../../../simulator/dep/dep.ts'
import { listenDep } from '../../../simulator/dep/portal/listen.ts'
import type { AbmState } from '../../../simulator/dep/state.ts'
import { createIssuer, readIssuer } from '../../../simulator/device/identity.ts'
import type { AdminAccess } from '../../api-client.ts'
import { keepPair, type State } from '../../state.ts'
import { writeWhole } from '../../write-whole.ts'
import { quoted } from '../panel.ts'

/** Milliseconds after a change until the state is written. */
const SOON = 200

export interface StartedDep {
  readonly dep: SimulatedDep
  readonly url: string
  /** PEM: the Worker trusts the devices of this CA. */
  readonly deviceCa: string
}

/** Starts the service on loopback. Its devices, profiles and tokens stay in the state directory. */
export async function startDepSimulator(
  { directory }: Pick<State, 'directory'>,
  running: AsyncDisposableStack,
): Promise<StartedDep> {
  const file = join(directory, 'dep-simulator.json')
  const ca = keepPair(directory, 'simulated-device-ca', newDeviceCa)
  let timer: NodeJS.Timeout | undefined
  const save = (): void => {
    clearTimeout(timer)
    timer = undefined
    writeWhole(file, JSON.stringify(dep.state))
  }
  const dep = createSimulatedDep({
    deviceCa: readIssuer({ certificate: ca.certificate, privateKey: ca.key }),
    ...(existsSync(file) && { state: stateIn(file) }),
    changed() {
      timer ??= setTimeout(save, SOON).unref()
    },
  })
  const listening = await listenDep(dep)
  running.defer(async () => {
    await listening.close()
    save()
  })
  return { dep, url: listening.url, deviceCa: ca.certificate }
}

/** Only this program writes it, and always whole. */
function stateIn(file: string): AbmState {
  const state: AbmState = JSON.parse(readFileSync(file, 'utf8'))
  return state
}

function newDeviceCa() {
  const { certificate, privateKey } = createIssuer({ commonName: 'Simulated Device CA' })
  return {
    certificate: pem('CERTIFICATE', certificate.der),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** What a person does at Apple’s web site, to paste. */
export function portalText(depUrl: string, { url, apiKey }: AdminAccess): string {
  const login = quoted(`micromdm:${apiKey}`)
  const portal = `${depUrl}/portal`
  const device = '{"serial_number":"C02SIM000001","model":"MacBook Pro"}'
  const rows: readonly (readonly [string, string])[] = [
    [
      'Upload the certificate of this server',
      `curl -s -u ${login} -X POST ${url}/api/dep/keys | curl -s -T - ${portal}/certificate`,
    ],
    ['Download the token', `curl -s ${portal}/token -o token.p7m`],
    [
      'Import it here',
      `curl -s -u ${login} ${url}/api/dep/tokens ` +
        `-d '{"p7m_content":"'"$(base64 < token.p7m | tr -d '\\n')"'"}'`,
    ],
    ['Add a device', `curl -s ${portal}/devices -d ${quoted(device)}`],
    ['List devices and their profiles', `curl -s ${portal}/devices`],
    [
      'Switch on a device that has a profile',
      `npm run simulate -- --server ${url} --dep ${depUrl}`,
    ],
    ['Remove a device', `curl -s -X DELETE ${portal}/devices/C02SIM000001`],
  ]
  return [
    '',
    `  Apple Business Manager is simulated at ${portal}`,
    ...rows.map(([what, command]) => `    ${what}:\n      ${command}`),
    '',
  ].join('\n')
}
