/**
 * `npm run bench -- --only bulk --count 100000`: one command to a thousand devices whose objects are cold,
 * and to all of them, with a kill -9 in the middle. Afterwards the objects' own files are counted: who got
 * none, who got two.
 */
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { pem } from '../../src/pki/x509/issue.ts'
import { createIssuer, newKey } from '../../src/simulator/device/identity.ts'
import { jobBurst } from '../../src/cli/guard.ts'
import { start, type RunningServer } from '../e2e/server.ts'
import { apiKeyOf, pushTopic, startLoad, type Load } from './server.ts'

const THOUSAND = 1000
const ROUNDS = 3
/** Enrolments between two looks at the open files. */
const CHUNK = 2000
/** Objects leave memory ten seconds after their last call. */
const COLD = 15_000

interface Job {
  readonly id: string
  readonly state: string
  readonly total: number
  readonly done: number
  readonly failed: number
  readonly waiting: number
}

export async function bulk(disk: string, count: number, tree: string): Promise<void> {
  const state = await mkdtemp(join(disk, 'edgemdm-bench-'))
  // P-256: signing a fleet with RSA takes longer than enrolling it.
  const ca = createIssuer({ commonName: 'bench', key: newKey('ec') })
  const certificate = pem('CERTIFICATE', ca.certificate.der)
  const caFile = join(state, 'bench-ca.pem')
  await writeFile(caFile, certificate)
  const flags = ['--device-ca', caFile]
  const serve = (): Promise<RunningServer> => start(state, flags, undefined, {}, tree)
  let server = await serve()
  const privateKey = ca.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const issuer = { certificate, privateKey }
  const load = await startLoad({
    server: server.url,
    apiKey: await apiKeyOf(server),
    topic: await pushTopic(server),
    ca: issuer,
    fillCa: issuer,
    keys: [privateKey],
  })
  try {
    await enrolPaced(server, load, count)
    await load.close()
    await untilListed(server, count)
    const jobs: Job[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await sleep(COLD)
      jobs.push(await toThousand(server, round))
    }
    await sleep(COLD)
    const all = await toAll(server, async () => {
      server = await serve()
      return server
    })
    await server.stop()
    countFiles(join(state, 'worker'), [...jobs, all], count)
  } finally {
    await server.stop('SIGKILL')
    await rm(state, { recursive: true, force: true })
  }
}

/** Not faster than the open files allow, because an object holds three of them for ten seconds. */
export async function enrolPaced(
  server: RunningServer,
  load: Load,
  count: number,
  kind: 'fill' | 'join' = 'fill',
): Promise<void> {
  const began = performance.now()
  const perSecond = jobBurst() / 10
  for (let from = 0; from < count; from += CHUNK) {
    const to = Math.min(from + CHUNK, count)
    await load.run({
      kind,
      connections: 16,
      from,
      to,
      count: to - from,
      seconds: 600,
    })
    await sleep(Math.max(0, (to / perSecond) * 1000 - (performance.now() - began)))
  }
  const seconds = (performance.now() - began) / 1000
  console.log(`${count} enrolments in ${seconds.toFixed(0)} s (${server.url})`)
}

/** The directory hears of enrolments by the queue, and by alarms where that lost some. */
async function untilListed(server: RunningServer, count: number): Promise<void> {
  const began = performance.now()
  for (;;) {
    const { body } = await server.api<{ devices: { enrollment_status: boolean }[] }>(
      'POST',
      '/v1/devices',
      {},
    )
    const listed = body.devices.filter((device) => device.enrollment_status).length
    if (listed >= count) {
      console.log(`listed as enrolled ${((performance.now() - began) / 1000).toFixed(0)} s later`)
      return
    }
    await sleep(2000)
  }
}

async function toThousand(server: RunningServer, round: number): Promise<Job> {
  const ids = Array.from({ length: THOUSAND }, (_, n) => udid(round * THOUSAND + n))
  const began = performance.now()
  const { job, accepted } = await order(server, { ids })
  const done = await watch(server, job.id, (now) => now.waiting === 0, 20)
  const took = performance.now() - began
  console.log(
    `1,000 ids: accepted in ${accepted.toFixed(0)} ms, queued everywhere in ${(took / 1000).toFixed(2)} s`,
  )
  return done
}

async function toAll(server: RunningServer, restart: () => Promise<RunningServer>): Promise<Job> {
  const began = performance.now()
  const { job, accepted } = await order(server, { all: true })
  console.log(`all ${job.total}: accepted in ${accepted.toFixed(0)} ms`)
  const half = await watch(server, job.id, ({ waiting, total }) => waiting < total / 2, 10)
  await server.stop('SIGKILL')
  console.log(`  kill -9 with ${half.done} of ${half.total} done`)
  const restarted = await restart()
  const first = await watch(restarted, job.id, () => true, 100)
  console.log(`  restarted, first look: ${first.done} of ${first.total}`)
  const all = await watch(restarted, job.id, ({ waiting }) => waiting === 0, 200)
  const seconds = (performance.now() - began) / 1000
  console.log(
    `all ${job.total}: queued everywhere in ${seconds.toFixed(0)} s, kill and restart included; ${all.failed} failed`,
  )
  return all
}

async function order(
  server: RunningServer,
  targets: object,
): Promise<{ job: Job; accepted: number }> {
  const began = performance.now()
  const { status, body } = await server.api<Job>('POST', '/api/commands', {
    ...targets,
    command: { request_type: 'DeviceInformation', queries: ['OSVersion'] },
  })
  if (status !== 202) {
    throw new Error(`the bulk call answered ${status}: ${JSON.stringify(body)}`)
  }
  return { job: body, accepted: performance.now() - began }
}

/** Looks at a job until it is as far, and tells of it every ten seconds. */
async function watch(
  server: RunningServer,
  id: string,
  far: (job: Job) => boolean,
  every: number,
): Promise<Job> {
  for (let told = performance.now(); ; await sleep(every)) {
    const { body } = await server.api<Job>('GET', `/api/jobs/${id}`)
    if (far(body)) {
      return body
    }
    if (performance.now() - told > 10_000) {
      told = performance.now()
      console.log(`  ${body.done} of ${body.total}`)
    }
  }
}

/** Which devices have each job's command, by the files that the server left behind. */
function countFiles(worker: string, jobs: readonly Job[], count: number): void {
  const found = new Map(jobs.map(({ id }) => [`job/${id}`, { devices: 0, doubled: 0 }]))
  let devices = 0
  for (const entry of readdirSync(worker, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.sqlite') || !/Device/.test(entry.parentPath)) {
      continue
    }
    const database = new DatabaseSync(join(entry.parentPath, entry.name))
    const tables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'commands'").all()
    if (tables.length > 0) {
      devices += 1
      const rows = database
        .prepare('SELECT source, count(*) AS n FROM commands GROUP BY source')
        .all()
      for (const { source, n } of rows) {
        const job = found.get(String(source))
        if (job) {
          job.devices += 1
          job.doubled += Number(Number(n) > 1)
        }
      }
    }
    database.close()
  }
  console.log(`${devices} device objects on disk, ${count} enrolled`)
  for (const { id, total } of jobs) {
    const counted = found.get(`job/${id}`)
    console.log(
      `  job of ${total}: ${total - (counted?.devices ?? 0)} lost, ${counted?.doubled ?? 0} doubled`,
    )
  }
}

function udid(n: number): string {
  return `FILL-${String(n).padStart(8, '0')}`
}
