/**
 * `npm run bench -- --only move --count 10000`: a fleet of MicroMDM moves here, and each device is pushed
 * before it calls. Then it moves to another server, with ten kills in the middle.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFleet } from '../../src/migration/micromdm/fleet.ts'
import { issueCertificate, randomSerial } from '../../src/pki/x509/issue.ts'
import { createIssuer, newKey } from '../../src/simulator/device/identity.ts'
import { pushCertificate, startApns } from '../e2e/apns.ts'
import { runMove, type Running } from '../e2e/move-tools.ts'
import { start, type RunningServer } from '../e2e/server.ts'
import { plannedDevices, writeMicroMdm } from '../unit/migration/micromdm-file.ts'

const TOPIC = 'com.apple.mgmt.External.bench'
const KILLS = 10
const SECOND = 1000
const YEAR = 365 * 86_400 * SECOND
/** Pushes at the same time. */
const LANES = 16

export async function measureMove(disk: string, count: number): Promise<void> {
  const state = await mkdtemp(join(disk, 'edgemdm-bench-'))
  try {
    const file = join(state, 'micromdm.db')
    const bytes = fleetOf(count)
    await writeFile(file, bytes)
    const began = performance.now()
    const { counts, devices } = readFleet(bytes, { now: Date.now() })
    const size = `${(bytes.length / 1e6).toFixed(0)} MB`
    console.log(
      `${counts.devices} devices, ${counts.commands} commands, ${size}: ${since(began)} to read`,
    )
    await moveWhole(
      await mkdtemp(join(state, 'whole-')),
      file,
      devices.map(({ id }) => id),
    )
    await moveKilled(await mkdtemp(join(state, 'killed-')), file)
  } finally {
    await rm(state, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** How long each part takes, and how many devices can be pushed. */
async function moveWhole(state: string, file: string, ids: readonly string[]): Promise<void> {
  const apns = await startApns(state)
  const server = await start(state, ['--apns', apns.url], undefined, apns.env)
  try {
    await server.api('PUT', '/v1/config/certificate', pushCertificate(TOPIC, 300).body)
    const began = performance.now()
    await ended(runMove(server, file, '--yes', '--no-activate'))
    console.log(`${since(began)} to upload`)
    const open = performance.now()
    await ended(runMove(server, file, '--yes'))
    console.log(`${since(open)} to activate`)
    const pushing = performance.now()
    const pushed = await pushAll(server, ids)
    console.log(`${pushed} of ${ids.length} pushed before they call: ${since(pushing)}`)
  } finally {
    await server.stop()
    apns.close()
  }
}

async function pushAll(server: RunningServer, ids: readonly string[]): Promise<number> {
  let pushed = 0
  const waiting = ids.values()
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (const id of waiting) {
        const { status } = await server.api('GET', `/push/${id}`)
        pushed += Number(status === 200)
      }
    }),
  )
  return pushed
}

/** The tool dies ten times, later each time, and the server with it each second time. */
async function moveKilled(state: string, file: string): Promise<void> {
  let server = await start(state, [])
  try {
    const began = performance.now()
    for (let kill = 1; kill <= KILLS; kill++) {
      const tool = runMove(server, file, '--yes', '--without-push')
      await sleep(kill * SECOND)
      tool.process.kill('SIGKILL')
      await tool.ended
      if (kill % 2 === 0) {
        await server.stop('SIGKILL')
        server = await start(state, [])
      }
    }
    await ended(runMove(server, file, '--yes', '--without-push'))
    const { body } = await server.api<{ items: { devices: object; items: object }[] }>(
      'GET',
      '/api/moves',
    )
    const counts = body.items.map(({ devices, items }) => JSON.stringify({ ...devices, ...items }))
    console.log(`with ${KILLS} kills: ${since(began)}, ${counts.join(' ')}`)
  } finally {
    await server.stop()
  }
}

/** Each device has a certificate, both tokens and two commands. They share a key. */
function fleetOf(count: number): Uint8Array {
  const ca = createIssuer({ commonName: 'bench' })
  const key = newKey('ec')
  return writeMicroMdm({
    authority: { certificate: ca.certificate.der, key: ca.privateKey, nextSerial: count + 2 },
    devices: plannedDevices(count, (n, udid) => ({
      certificate: certificateOf(udid, key, ca),
      push: { topic: TOPIC },
      unlockToken: new Uint8Array(1500).fill(n),
      bootstrapToken: new Uint8Array(80).fill(n),
      commands: [`${n}-0`, `${n}-1`],
    })),
  })
}

function certificateOf(
  udid: string,
  key: KeyObject,
  ca: ReturnType<typeof createIssuer>,
): Uint8Array {
  const now = Date.now()
  return issueCertificate({
    subject: [['CN', udid]],
    publicKey: createPublicKey(key),
    signingKey: ca.privateKey,
    issuer: ca.certificate,
    serial: randomSerial(),
    notBefore: now - SECOND,
    notAfter: now + YEAR,
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['clientAuth'],
  })
}

async function ended(tool: Running): Promise<void> {
  const { code, output } = await tool.ended
  if (code !== 0) {
    throw new Error(output)
  }
}

function since(began: number): string {
  return `${((performance.now() - began) / SECOND).toFixed(1)} s`
}
