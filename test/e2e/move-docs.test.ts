/** A move and the way back, at one server: each command of the pages is run as it is printed, in its order. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exportFleet, readExportOrder } from '../../src/cli/move/export.ts'
import { writePlist } from '../../src/plist/write.ts'
import { pushCertificate, startApns } from './apns.ts'
import { writeMicroMdm } from '../unit/migration/micromdm-file.ts'
import { runMove, startRelay } from './move-tools.ts'
import { newState, PROJECT, start, type RunningServer } from './server.ts'

let server: RunningServer
let folder = ''
let env: Record<string, string> = {}
const closing: (() => unknown)[] = []
const TOPIC = 'com.apple.mgmt.External.moved'
const UDID = 'MOVED'

/** A device that is bound, with a command, and one that is not. */
function copyOf(): Uint8Array {
  const { certPem: certificate, keyPem: key } = pushCertificate(TOPIC, 300)
  const push = { topic: TOPIC }
  const uuid = 'PROFILE-1'
  const profile = { RequestType: 'InstallProfile', Payload: new Uint8Array([1]) }
  const payload = writePlist({ Command: profile, CommandUUID: uuid })
  return writeMicroMdm({
    devices: [
      { udid: UDID, push, commands: [{ uuid, payload }] },
      { udid: 'UNPROVEN', push, fingerprint: false },
    ],
    pushCertificate: { certificate, key },
  })
}

beforeAll(async () => {
  const state = await newState()
  const apns = await startApns(state)
  closing.push(apns.close)
  server = await start(state, ['--apns', apns.url], undefined, apns.env)
  closing.push(() => server.stop())
  const copy = copyOf()
  const micromdm = createServer(({ headers, url }, response) => {
    const isAllowed = headers.authorization === `Basic ${btoa('micromdm:there')}`
    response.writeHead(isAllowed && url === '/boltbackup' ? 200 : 401).end(copy)
  })
  micromdm.listen(0, '127.0.0.1')
  await once(micromdm, 'listening')
  closing.push(() => micromdm.close())
  folder = join(state, 'admin')
  mkdirSync(folder)
  writeFileSync(join(folder, 'micromdm.db'), copy)
  mkdirSync(join(folder, 'filerepo'))
  writeFileSync(join(folder, 'filerepo/agent.plist'), '<plist/>')
  writeFileSync(join(folder, 'bindings.tsv'), `id\tsha256\nREPLAYED\t${'a'.repeat(64)}\n`)
  const message = { MessageType: 'Authenticate', UDID: 'REPLAYED', Topic: TOPIC }
  writeFileSync(join(folder, 'authenticate.plist'), writePlist(message))
  env = {
    PROJECT,
    NODE: process.execPath,
    UDID,
    SERVER: server.url,
    API_KEY: readFileSync(join(state, 'api-key'), 'utf8').trim(),
    MICROMDM_URL: `http://127.0.0.1:${(micromdm.address() as AddressInfo).port}`,
    MICROMDM_API_KEY: 'there',
  }
})

afterAll(async () => {
  for (const close of closing.toReversed()) {
    await close()
  }
})

/** `npm run move` in the folder of the admin, and curl that fails when it is refused. */
const SHELL = `
npm() { test "$1 $2 $3" = 'run move --' && shift 3 && "$NODE" "$PROJECT/src/cli/move/move.ts" "$@"; }
curl() { test "$1" = -f || set -- --fail-with-body "$@"; command curl -sS "$@"; }
`

/** The blocks of a page that an admin pastes; a block that sets the addresses is none. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(PROJECT, 'docs', page), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)]
    .map(([, block = '']) => block)
    .filter((block) => !block.startsWith('export '))
}

async function run(block: string): Promise<string> {
  const options = { cwd: folder, env: { ...process.env, ...env } }
  const { stdout } = await promisify(execFile)('bash', ['-euc', SHELL + block], options)
  return stdout
}

it('an open move has a status, and can be discarded', async () => {
  const at = '--server "$SERVER"'
  await run(`npm run move -- "$MICROMDM_URL" ${at} --yes --no-activate --without-push`)
  expect(await run(`npm run move -- --status ${at}`)).toContain(': open')
  expect(await run(`npm run move -- --discard ${at}`)).toContain('is discarded')
  expect(await run(`npm run move -- --status ${at}`)).toBe('There is no move.\n')
})

it('each command of the page about MicroMDM does what the page says', async () => {
  const printed: string[] = []
  for (const block of blocksOf('move-from-micromdm.md')) {
    printed.push(await run(block))
  }
  const all = printed.join('\n')
  expect(printed.length).toBeGreaterThan(9)
  for (const part of [
    '2 devices: 2 enrolled',
    'Nothing is served from it yet.',
    'channels can be pushed',
    '"status": "success"',
    '"released":1,"held":0',
    '"kind":"release"',
    'Unproven: UNPROVEN',
    'Files of the repository: 1 sent, 0 there already.',
  ]) {
    expect(all).toContain(part)
  }
  expect(await server.api('GET', '/push/UNPROVEN')).toMatchObject({ status: 200 })
})

it('each command of the page about NanoMDM does what the page says', async () => {
  const [replay = '', bind = '', back = ''] = blocksOf('move-from-nanomdm.md')
  expect(await run(replay)).toBe('')
  expect(await run(bind)).toContain('bindings.tsv is active:')
  await run(back)
  const lines = readFileSync(join(folder, 'fleet.jsonl'), 'utf8').trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).id)).toEqual([UDID, 'UNPROVEN'])
})

it('a fleet goes to a server by its /migration, again and again', async () => {
  const [url, apiKey] = [server.url, env['API_KEY'] ?? '']
  const values = { export: url, reason: 'the way back', 'to-api-key': apiKey }
  for (const _ of [1, 2]) {
    const order = readExportOrder(values, {})
    const report = await exportFleet({ url, apiKey }, order, { show: () => undefined })
    expect(report.failed).toBe(0)
    expect(report.lines).toContain('2 devices exported.')
  }
  const { body } = await server.api<{ items: object[] }>('GET', `/api/devices/${UDID}/escrow/reads`)
  const read = { kind: 'export', reason: 'the way back' }
  expect(body.items.slice(0, 2)).toMatchObject([read, read])
})

it('Ctrl-C in an export leaves no file with secrets', async () => {
  const { url, state } = server
  const relay = await startRelay(() => url)
  const file = join(state, 'fleet.jsonl')
  const tool = runMove({ url: relay.url, state }, '--export', file, '--reason', 'the way back')
  let isBegun = false
  relay.act = async (name) => {
    if (name === 'POST other') {
      isBegun = existsSync(`${file}.new`)
      tool.process.kill('SIGINT')
      await tool.ended
    }
    return true
  }
  const { code, output } = await tool.ended
  relay.close()
  expect({ code, isBegun }).toEqual({ code: 130, isBegun: true })
  expect(output).toContain('fleet.jsonl is as it was.')
  expect([file, `${file}.new`].filter((path) => existsSync(path))).toEqual([])
})
