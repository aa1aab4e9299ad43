/**
 * `npx node test/bench/outage.ts --minutes 10`: a receiver that is down while simulated devices work, and a
 * server that is killed with -9, `--kills` times meanwhile and `--drain-kills` times while the receiver,
 * back again, is given what has waited. Every event whose cause was answered 200 has to arrive, in the
 * order of its device; what arrives twice is counted. It ends by itself: what is missing after `--patience`
 * minutes is lost. `--minutes 1 --kills 1 --drain-kills 1 --every 5` takes some three minutes.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { pem } from '../../src/pki/x509/issue.ts'
import { createSimulatedDevice, type SimulatedDevice } from '../../src/simulator/device/device.ts'
import { createIdentity, createIssuer } from '../../src/simulator/device/identity.ts'
import { start, startReceiver, type ReceivedEvent } from '../e2e/server.ts'

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    devices: { type: 'string', default: '200' },
    kills: { type: 'string', default: '3' },
    'drain-kills': { type: 'string', default: '2' },
    /** Milliseconds that the receiver takes to answer. */
    answer: { type: 'string', default: '20' },
    /** Seconds between a device's wake-ups. */
    every: { type: 'string', default: '10' },
    patience: { type: 'string', default: '30' },
  },
})
const MINUTE = 60_000
const down = Number(flags.minutes) * MINUTE
const kills = Number(flags.kills)
const drainKills = Number(flags['drain-kills'])
const every = Number(flags.every) * 1000

const ca = createIssuer({ commonName: 'outage' })
const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const state = await mkdtemp(join(tmpdir(), 'edgemdm-outage-'))
const caFile = join(state, 'ca.pem')
await writeFile(caFile, pem('CERTIFICATE', ca.certificate.der))
const receiver = await startReceiver()
receiver.answer = 503
receiver.delay = Number(flags.answer)
const serve = () =>
  start(state, ['--device-ca', caFile, '--api-key', 'outage', '--webhook', receiver.url])
let server = await serve()

/** Per device, what it said and was answered 200 to, in order: payloads as the webhook carries them. */
const accepted = new Map<string, string[]>()
let refused = 0
const devices = Array.from({ length: Number(flags.devices) }, (_, n): SimulatedDevice => {
  const udid = `OUTAGE-${n}`
  const taken: string[] = []
  accepted.set(udid, taken)
  return createSimulatedDevice({
    fetch: async (url, init) => {
      const answer = await fetch(new URL(new URL(url).pathname, server.url), init)
      if (answer.status === 200) {
        taken.push(Buffer.from(init.body).toString('base64'))
      } else {
        refused += 1
      }
      return answer
    },
    serverUrl: 'http://server/mdm/connect',
    checkInUrl: 'http://server/mdm/checkin',
    identity: createIdentity({ ca, commonName: udid, key }),
    platform: 'macOS',
    udid,
    serial: `OUTAGE${n}`,
    topic: 'com.apple.mgmt.outage',
    history: 1,
  })
})

const end = Date.now() + down
const work = devices.map(async (device, n) => {
  await sleep((n / devices.length) * every)
  while (Date.now() < end) {
    const began = Date.now()
    try {
      if (device.state() === 'new') {
        await device.enroll()
      } else {
        const command = { udid: device.udid, request_type: 'ProfileList' }
        await server.api('POST', '/v1/commands', command)
        await device.poll()
      }
    } catch {
      refused += 1
    }
    await sleep(Math.max(0, began + every - Date.now()))
  }
})
for (let kill = 0; kill < kills; kill++) {
  await sleep(down / (kills + 1))
  await server.stop('SIGKILL')
  server = await serve()
}
await Promise.all(work)
const expected = [...accepted.values()].reduce((sum, taken) => sum + taken.length, 0)
console.log(`${expected} messages were answered 200, ${refused} were not; the receiver is back`)

receiver.answer = 200
const back = Date.now()
const waiting = expected - receiver.received.length
for (let kill = 1; kill <= drainKills; kill++) {
  const taken = Math.ceil((waiting * kill) / (drainKills + 1))
  await receiver.until(({ length }) => length >= taken, Number(flags.patience) * 60_000)
  await server.stop('SIGKILL')
  console.log(
    `  killed with ${receiver.received.length} posts taken, ${((Date.now() - back) / 1000).toFixed(0)} s after the receiver was back`,
  )
  server = await serve()
}
const deviceOf = (event: ReceivedEvent): string =>
  (event.checkin_event ?? event.acknowledge_event)?.udid ?? ''
/** First arrivals, by device. */
function arrived(): Map<string, ReceivedEvent[]> {
  const ids = new Set<string>()
  const first = receiver.received.filter(
    ({ event_id }) => !ids.has(event_id) && ids.add(event_id) !== undefined,
  )
  return Map.groupBy(first, deviceOf)
}

/** How many of a device's messages have no event yet, in their order. */
function missingOf(udid: string, events: readonly ReceivedEvent[]): number {
  const wanted = accepted.get(udid) ?? []
  let found = 0
  for (const event of events) {
    const { raw_payload } = event.checkin_event ?? event.acknowledge_event ?? { raw_payload: '' }
    found += Number(raw_payload === wanted[found])
  }
  return wanted.length - found
}

let missing = expected
for (let tries = 0; missing > 0 && Date.now() - back < Number(flags.patience) * MINUTE; tries++) {
  await sleep(1000)
  const events = arrived()
  missing = [...accepted.keys()].reduce(
    (sum, udid) => sum + missingOf(udid, events.get(udid) ?? []),
    0,
  )
  if (tries % 15 === 14) {
    console.log(`  ${missing} still to come`)
  }
}
const seconds = (Date.now() - back) / 1000
const events = arrived()
const unique = [...events.values()].reduce((sum, all) => sum + all.length, 0)
const swapped = [...events.values()].reduce(
  (sum, all) =>
    sum + all.filter(({ sequence }, n) => sequence < (all[n - 1]?.sequence ?? 0)).length,
  0,
)
const times = Map.groupBy(receiver.received, ({ event_id }) => event_id)
const twice = [...times.values()].filter(({ length }) => length > 1)
const most = Math.max(...twice.map(({ length }) => length), 1)
console.log(
  `receiver down for ${flags.minutes} min, ${devices.length} devices, ${kills} kills, ${drainKills} more while ${waiting} messages were made up for: ${expected} expected, ${missing} missing, ${swapped} out of order, ${unique} events, ${twice.length} more than once (${most} times at most), all there ${seconds.toFixed(0)} s after the receiver was back`,
)
await server.stop()
await receiver.close()
await rm(state, { recursive: true, force: true })
process.exitCode = missing + swapped > 0 ? 1 : 0
