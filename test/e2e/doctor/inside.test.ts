/** Faults inside a server of `npm start`, each planted, and what `npm run doctor` says of it. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pushCertificate, startApns } from '../apns.ts'
import {
  newState,
  PROJECT,
  type Receiver,
  type RunningServer,
  start,
  startReceiver,
} from '../server.ts'
import { type DoctorRun, runDoctor } from './run-doctor.ts'

const closing: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close()
  }
})

async function started(...order: Parameters<typeof start>): Promise<RunningServer> {
  const server = await start(...order)
  closing.push(() => server.stop())
  return server
}

function doctor({ url, state }: RunningServer, only: string, key?: string) {
  const API_KEY = key ?? readFileSync(join(state, 'api-key'), 'utf8').trim()
  const args = ['--server', url, ...(only === '' ? [] : ['--only', only])]
  const { PATH, NODE_COMPILE_CACHE } = process.env
  return runDoctor(args, { PATH, NODE_COMPILE_CACHE, API_KEY })
}

/** What the doctor says of a number, with the remedy. */
async function saidOf(server: RunningServer, number: number): Promise<string> {
  return saidIn(await doctor(server, String(number)), number)
}

function saidIn({ of }: DoctorRun, number: number): string {
  return of(number)
    .filter(({ level }) => level !== 'skip')
    .map((result) => `${result.level}: ${result.seen}. ${'fix' in result ? result.fix : ''}`)
    .join('\n')
}

/** Databases of the server, while it is stopped: D1, and the objects of a class. */
function eachDatabase(state: string, folder: string, work: (database: DatabaseSync) => void): void {
  const directory = join(state, 'worker', folder)
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(directory, name))
    work(database)
    database.close()
  }
}

function hasTable(database: DatabaseSync, table: string): boolean {
  return database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table) !== undefined
}

/** A port that nothing listens on. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

/** This project without a consumer of its queue, for which a probe waits a moment instead of 30 s. */
function projectWithoutConsumer(): string {
  const directory = mkdtempSync(join(tmpdir(), 'edgemdm-project-'))
  for (const part of ['src', 'migrations', 'package.json']) {
    cpSync(join(PROJECT, part), join(directory, part), { recursive: true })
  }
  symlinkSync(join(PROJECT, 'node_modules'), join(directory, 'node_modules'))
  for (const [file, from, to] of [
    ['wrangler.toml', /^queues\.consumers = \[\n.*\n\]/m, ''],
    ['src/health/probes/platform.ts', 'QUEUE_PATIENCE = 30_000', 'QUEUE_PATIENCE = 300'],
  ] as const) {
    const text = readFileSync(join(PROJECT, file), 'utf8')
    expect(text).toMatch(from)
    writeFileSync(join(directory, file), text.replace(from, to))
  }
  return directory
}

/** Devices of the server. */
async function udidsOf({ api }: RunningServer): Promise<readonly string[]> {
  const { body } = await api<{ items: { id: string }[] }>('GET', '/api/devices')
  return body.items.map(({ id }) => id)
}

const state = await newState()
let server: RunningServer

describe('a fresh server with devices', () => {
  beforeAll(async () => {
    server = await started(state, ['--devices', '3'], 'simulated devices enrolled')
  })

  it('passes all checks without a warning', async () => {
    const { results, code } = await doctor(server, '')
    expect(results.filter(({ level }) => level === 'warn' || level === 'fail')).toEqual([])
    expect(results.filter(({ level }) => level === 'ok').map(({ number }) => number)).toEqual([
      1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    ])
    expect(code).toBe(0)
  })

  it('tells a key without the scope config why it looks at less', async () => {
    const { body } = await server.api<{ key: string }>('POST', '/api/keys', {
      name: 'ci',
      scopes: ['read'],
    })
    const { results, code } = await doctor(server, '9,12,13,14,15,16,17,21,22,23', body.key)
    const skipped = results.filter(({ seen }) => seen === 'the key "ci" lacks scope config')
    expect(skipped.map(({ number }) => number)).toEqual([13, 14, 16, 21, 22, 23])
    expect(code).toBe(0)
  })

  describe('with webhooks', () => {
    let receiver: Receiver

    beforeAll(async () => {
      receiver = await startReceiver()
      closing.push(() => receiver.close())
    })

    async function newWebhook(url: string): Promise<string> {
      const wanted = { url, topics: ['webhook.test'] }
      const { body } = await server.api<{ id: string }>('POST', '/api/webhooks', wanted)
      return body.id
    }

    it('sends each of them a test event', async () => {
      const id = await newWebhook(receiver.url)
      expect(await saidOf(server, 15)).toBe('ok: a test event was sent to 1, and taken. ')
      expect(receiver.received.map(({ topic }) => topic)).toEqual(['webhook.test'])
      receiver.answer = 500
      expect(await saidOf(server, 15)).toBe(
        `fail: the receiver ${receiver.url} of the webhook ${id} answered 500 to a test event. ` +
          'look at the receiver and its log; its events wait for three days (docs/webhooks.md)',
      )
      await server.api('POST', `/api/webhooks/${id}/pause`)
      expect(await saidOf(server, 15)).toBe(
        `warn: the webhook ${id} (${receiver.url}) is paused: its events wait. ` +
          `resume it: POST /api/webhooks/${id}/resume`,
      )
    })

    it('finds a port that nothing listens on', async () => {
      const url = `http://127.0.0.1:${await deadPort()}/hook`
      const id = await newWebhook(url)
      expect(await saidOf(server, 15)).toMatch(
        `fail: the receiver ${url} of the webhook ${id} did not answer a test event: `,
      )
    })
  })
})

describe('a server with an odd APNs, a push certificate that ends, and short identities', () => {
  let apns: Awaited<ReturnType<typeof startApns>>

  beforeAll(async () => {
    await server.stop()
    const folder = await newState()
    apns = await startApns(folder)
    closing.push(apns.close)
    const flags = [...pushFlags(folder, 5), '--apns', apns.url, '--devices', '4']
    const env = { ...apns.env, SCEP_CLIENT_VALIDITY: '3' }
    server = await started(state, flags, 'simulated devices enrolled', env)
    // It waits for an answer that does not come: this APNs wakes no device.
    const [udid = ''] = await udidsOf(server)
    const command = { udid, request_type: 'DeviceInformation', queries: ['UDID'] }
    expect((await server.api('POST', '/v1/commands', command)).status).toBe(201)
  })

  it.each([
    [{ reason: 'BadDeviceToken' }, /^ok: APNs takes the certificate and the topic/],
    [
      { status: 403, reason: 'MissingProviderToken' },
      /^fail: APNs did not get the push certificate: .*\. bind the certificate as APNS/,
    ],
    [
      { status: 403, reason: 'BadCertificate' },
      /^fail: APNs refuses the push certificate.*BadCertificate\. renew the certificate/,
    ],
    [
      { status: 503, reason: 'Shutdown' },
      /^fail: APNs takes no pushes just now: .*status of Apple/,
    ],
    [{ status: 520, reason: '', hasId: false }, /^fail: the answer is not from APNs: /],
  ])('gets this answer to a push of a false token: %o', async (answer, said) => {
    Object.assign(apns.toFalseToken, { status: 400, hasId: true }, answer)
    expect(await saidOf(server, 16)).toMatch(said)
  })

  it('has a push certificate that ends soon', async () => {
    expect(await saidOf(server, 17)).toMatch(
      /^warn: the push certificate com\.apple\.mgmt\.External\.other ends in 5 days.*\. renew it/,
    )
  })

  it('has identities that end before they are renewed', async () => {
    expect(await saidOf(server, 18)).toMatch(
      /^warn: the first of the identities of devices \(1 in all\) ends in .*\. look at GET \/api\/renewals/,
    )
  })
})

describe('a server with faults in its settings and its state', () => {
  let run: DoctorRun
  let udids: readonly string[]

  beforeAll(async () => {
    udids = await udidsOf(server)
    await server.stop()
    damage(state, udids)
    server = await started(
      state,
      pushFlags(await newState(), 90),
      undefined,
      {
        API_KEY_PREVIOUS: 'changeme',
        PUBLIC_URL: 'https://mdm.other.example',
        SEAL_KEYS: `other:${Buffer.alloc(32, 'another').toString('base64')}`,
      },
      projectWithoutConsumer(),
    )
    run = await doctor(server, '9,12,14,17,21,22,23')
  })

  it.each([
    [
      9,
      /^fail: the key bootstrap \(previous\) is an example of the documentation.*\. make another: `openssl/,
    ],
    [9, /; PUBLIC_URL is https:\/\/mdm\.other\.example: profiles send.*; set PUBLIC_URL to http/],
    [12, /^fail: tables are missing: os_versions\. .*wrangler d1 time-travel restore DB/],
    [14, /^fail: a message did not come through the queue.*\. .*`npm run deploy` puts it back/],
    [17, /^fail: 3 of 4 devices enrolled with another topic.*\. install the certificate of their/],
    [21, /^fail: 1 of 4 devices have work and no alarm.*\. .*"repair": true/],
    [22, /^fail: values are sealed with the key \w{8}, which is not there: .*\. put that key back/],
    [23, /^fail: 1 of 4 devices are not in the list, .*\. .*"repair": true/],
  ])('check %i says what is wrong, and what to do', (number, said) => {
    expect(saidIn(run, number)).toMatch(said)
  })

  it('refuses a key that is an example, and check 8 says which', async () => {
    const said = saidIn(await doctor(server, '8', 'changeme'), 8)
    expect(said).toMatch(/^fail: GET \/api\/whoami with the key: 503: API_KEY is an example/)
  })

  it('names the devices', () => {
    expect(saidIn(run, 21)).toContain(`: ${udids[0]}.`)
    expect(saidIn(run, 23)).toContain(`: ${udids[1]}.`)
  })
})

/** Flags for a push certificate of another topic, which ends in so many days. */
function pushFlags(folder: string, days: number): readonly string[] {
  const { certPem, keyPem } = pushCertificate('com.apple.mgmt.External.other', days)
  const [cert, key] = [join(folder, 'push.pem'), join(folder, 'push.key')]
  writeFileSync(cert, certPem)
  writeFileSync(key, keyPem)
  return ['--push-cert', cert, '--push-key', key]
}

/** Drops a table of D1, the alarm of one device, and the row of another. */
function damage(directory: string, [idle = '', unlisted = '']: readonly string[]): void {
  eachDatabase(directory, 'd1/miniflare-D1DatabaseObject', (database) => {
    if (hasTable(database, 'devices')) {
      database.exec('DROP TABLE os_versions')
      database.prepare('DELETE FROM devices WHERE id = ?').run(unlisted)
    }
  })
  eachDatabase(directory, 'do/edgemdm-Device', (database) => {
    if (hasTable(database, '_cf_ALARM')) {
      database.prepare('DELETE FROM _cf_ALARM WHERE actor_name = ?').run(idle)
      return
    }
    const row = database.prepare("SELECT state ->> '$.device.name' AS name FROM device").get()
    if (row?.['name'] === idle) {
      database.exec('DELETE FROM _cf_METADATA')
    }
    if (row?.['name'] === unlisted) {
      // A new row may be on its way to the list for a minute.
      database.exec(`UPDATE device SET state = json_set(state,
        '$.device.version', (state ->> '$.device.version') - 3600000,
        '$.device.projected', (state ->> '$.device.projected') - 3600000)`)
    }
  })
}
