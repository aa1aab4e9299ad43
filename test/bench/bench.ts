import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { signDetached } from '../../src/pki/cms.ts'
import { pem } from '../../src/pki/issue.ts'
import { writePlist } from '../../src/plist/write.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { createSimulatedDevice, type SimulatedDevice } from '../../src/simulator/device.ts'
import {
  createIdentity,
  createIssuer,
  newKey,
  type Identity,
} from '../../src/simulator/identity.ts'
import { newState, start } from '../e2e/server.ts'

/** Requests per second and server CPU per request, against `npm start` on this machine. */
const CONNECTIONS = 16
const DEVICES = 64
const SECONDS = 5
const TICKS_PER_SECOND = 100

const state = await newState()
const ca = createIssuer({ commonName: 'bench' })
const caFile = join(state, 'bench-ca.pem')
await writeFile(caFile, pem('CERTIFICATE', ca.certificate.der))
const server = await start(state, ['--device-ca', caFile])
const key = newKey('rsa')

async function serverCpu(): Promise<number> {
  const [pid] = (await readFile(join(state, 'workerd.status'), 'utf8')).split(' ')
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND
}

async function measure(
  name: string,
  count: number | undefined,
  once: (n: number) => Promise<void>,
): Promise<void> {
  const before = await serverCpu()
  const began = performance.now()
  const times: number[] = []
  let next = 0
  const more = (): boolean =>
    count === undefined ? performance.now() - began < SECONDS * 1000 : next < count
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (more()) {
        const n = next++
        const from = performance.now()
        await once(n)
        times.push(performance.now() - from)
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const cpu = (await serverCpu()) - before
  const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0
  console.log(
    `${name.padEnd(28)} ${(times.length / seconds).toFixed(0).padStart(7)}/s  p99 ${p99.toFixed(1)} ms  CPU ${((cpu * 1000) / times.length).toFixed(2)} ms each`,
  )
}

interface Signed {
  readonly body: Uint8Array
  readonly signature: string
}

function sign(identity: Identity, message: PlistDict): Signed {
  const body = writePlist(message)
  const { certificate, privateKey } = identity
  const der = signDetached({ certificate, privateKey, body, digest: 'sha256' })
  return { body, signature: Buffer.from(der).toString('base64') }
}

async function put({ body, signature }: Signed): Promise<void> {
  const response = await fetch(`${server.url}/mdm/connect`, {
    method: 'PUT',
    body,
    headers: { 'mdm-signature': signature },
  })
  await response.arrayBuffer()
  if (response.status !== 200) {
    throw new Error(`the server answered ${response.status}`)
  }
}

console.log(
  `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, ${CONNECTIONS} connections`,
)
const devices: { device: SimulatedDevice; identity: Identity; idle: Signed; done: Signed }[] = []
for (let n = 0; n < DEVICES; n++) {
  const udid = `BENCH-${n}`
  const identity = createIdentity({ ca, commonName: udid, key })
  const device = createSimulatedDevice({
    fetch,
    serverUrl: `${server.url}/mdm/connect`,
    identity,
    platform: 'macOS',
    udid,
    serial: `BENCH${n}`,
    topic: 'com.apple.mgmt.bench',
  })
  const idle = sign(identity, { UDID: udid, Status: 'Idle' })
  const done = sign(identity, { UDID: udid, Status: 'Acknowledged', CommandUUID: 'bench' })
  devices.push({ device, identity, idle, done })
}
const of = (n: number): (typeof devices)[number] => {
  const found = devices[n % devices.length]
  if (!found) {
    throw new Error('no devices')
  }
  return found
}
await measure('enrolment', DEVICES, async (n) => {
  await of(n).device.enroll()
})
await measure('signed Idle', undefined, (n) => put(of(n).idle))
await measure('full cycle', undefined, async (n) => {
  const { device, idle, done } = of(n)
  await server.api('POST', '/v1/commands', {
    udid: device.udid,
    request_type: 'ProfileList',
    command_uuid: 'bench',
  })
  await put(idle)
  await put(done)
})
await server.stop()
