/** Apple's simulated service, a server that has its token, and the blueprint of the bench. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { pem } from '../../src/pki/x509/issue.ts'
import { writePlistText } from '../../src/plist/write.ts'
import { createSimulatedDep, type SimulatedDep } from '../../src/simulator/dep/dep.ts'
import { listenDep } from '../../src/simulator/dep/portal/listen.ts'
import { createIssuer } from '../../src/simulator/device/identity.ts'
import type { RunningServer } from '../e2e/server.ts'
import { declareToAll, storeDeclarations } from './declare.ts'

/** Seconds. */
export const TIME_LIMIT = 60
const STEP_TIME = 10
const APP = 'com.example.bench.agent'
const PROFILE = 'com.example.bench.trust'
const DEP_PROFILE = 'Bench'

export interface Apple {
  readonly dep: SimulatedDep
  /** What the server needs to know of it. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

export async function startApple(serials: readonly string[]): Promise<Apple> {
  const deviceCa = createIssuer({ commonName: 'bench, devices of Apple' })
  const dep = createSimulatedDep({ deviceCa })
  serials.forEach((serial) => dep.add({ serial_number: serial }))
  const { url, close } = await listenDep(dep)
  const APPLE_DEVICE_CA = pem('CERTIFICATE', deviceCa.certificate.der)
  return { dep, env: { DEP_URL: url, APPLE_DEVICE_CA, SCEP_RATE: '100000' }, close }
}

/** The server gets a token, and gives all devices a profile that lets them wait. */
export async function connectApple(
  server: RunningServer,
  { dep }: Apple,
  serials: readonly string[],
): Promise<void> {
  const { certificate } = await ask<{ certificate: string }>(server, 'POST', '/api/dep/keys')
  const file = dep.tokenFile(certificate)
  await ask(server, 'POST', '/api/dep/tokens', { p7m_content: btoa(file) })
  await ask(server, 'PUT', '/v1/dep/profiles', {
    profile_name: DEP_PROFILE,
    url: `${server.url}/mdm/enroll`,
    await_device_configured: true,
    devices: serials,
  })
}

/** A package on this machine that devices fetch. */
export async function startFiles(): Promise<{ readonly manifest: string; close(): void }> {
  const files = createServer((request, response) => {
    response.end(request.url === '/agent.plist' ? manifest() : 'package')
  })
  files.listen(0, '127.0.0.1')
  await once(files, 'listening')
  const address = files.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const manifest = (): string =>
    writePlistText({
      items: [
        {
          assets: [{ kind: 'software-package', url: `${url}/agent.pkg` }],
          metadata: { 'bundle-identifier': APP, title: 'Agent', kind: 'software' },
        },
      ],
    })
  return {
    manifest: `${url}/agent.plist`,
    close() {
      files.closeAllConnections()
      files.close()
    },
  }
}

/** Six steps. The last one may take until the time limit. */
export async function storeSetup(server: RunningServer, manifest: string): Promise<void> {
  await storeDeclarations(server)
  await declareToAll(server)
  const trust = writePlistText({
    PayloadIdentifier: PROFILE,
    PayloadType: 'Configuration',
    PayloadUUID: '6F1D6A5E-7C0B-4C39-8E5D-0C9B4A3F2E1D',
    PayloadVersion: 1,
    PayloadContent: [],
  })
  await ask(server, 'PUT', `/api/profiles/${PROFILE}`, { mobileconfig: btoa(trust) })
  await ask(server, 'PUT', '/api/setup-users/admin', {
    short_name: 'itadmin',
    long_name: 'IT',
    generate_password: true,
  })
  const timeout_s = STEP_TIME
  const name = 'M-${serial_number}'
  const settings = [{ item: 'DeviceName', device_name: name }]
  await ask(server, 'PUT', '/api/blueprints/bench', {
    name: 'Bench',
    match: { dep_profile: [DEP_PROFILE], enrollment: ['ade'] },
    time_limit_s: TIME_LIMIT,
    steps: [
      { do: 'profile', id: PROFILE, required: true, timeout_s },
      { do: 'package', manifest, wait: 'installed', identifier: APP, timeout_s: 3 * STEP_TIME },
      { do: 'command', command: { request_type: 'Settings', settings }, timeout_s },
      { do: 'declarations', wait: 'ack', timeout_s },
      { do: 'account', admin: 'admin', regular_user: true, timeout_s },
      {
        do: 'command',
        command: { request_type: 'DeviceInformation', queries: ['OSVersion'] },
        timeout_s: 2 * TIME_LIMIT,
      },
      { do: 'release' },
    ],
  })
}

/** An admin's call that has to succeed. @throws Error with the answer if it does not */
export async function ask<Body>(
  server: RunningServer,
  method: string,
  path: string,
  body?: unknown,
): Promise<Body> {
  const answer = await server.api<Body>(method, path, body)
  if (answer.status >= 300) {
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  return answer.body
}
