import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { exportFleet, readExportOrder } from '../../../../src/cli/move/export.ts'

const base64 = (message: string) => Buffer.from(message).toString('base64')
const device = (id: string, more: object = {}) => ({
  id,
  messages: [base64(`${id} Authenticate`), base64(`${id} TokenUpdate`)],
  unproven: false,
  blocked: false,
  ...more,
})
const quiet = { show: () => undefined }
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

async function listen(
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      answer(request, body, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
    return once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server with two pages of devices. */
async function source(bodies: object[] = []) {
  const url = await listen(({ method }, body, response) => {
    if (method === 'GET') {
      response.end(JSON.stringify({ items: [], next: null, total: 4 }))
      return
    }
    const asked = JSON.parse(body)
    bodies.push(asked)
    const page =
      asked.cursor === 'two'
        ? { items: [device('C', { unproven: true }), device('D', { blocked: true })], left_out: [] }
        : {
            items: [device('A'), device('B')],
            left_out: [{ id: 'X', reason: 'contested' }],
          }
    response.end(JSON.stringify({ ...page, next: asked.cursor === 'two' ? null : 'two' }))
  })
  return { url, apiKey: 'key' }
}

/** The other server: what it gets, and the status of each message. */
async function target(statusOf: (message: string) => number = () => 200) {
  const got: string[] = []
  const url = await listen(({ method, url: path, headers }, body, response) => {
    const pair = Buffer.from(headers.authorization?.slice(6) ?? '', 'base64').toString()
    got.push(`${method} ${path} ${pair} ${body}`)
    response.writeHead(statusOf(body)).end('Some text\n')
  })
  return { url, got }
}

const orderTo = (url: string, reason = 'back') =>
  readExportOrder({ export: url, reason, 'to-api-key': 'nano' }, {})

describe('an export to another server', () => {
  it('sends the messages of each device in their order, as nanomdm, and leaves out blocked ones', async () => {
    const bodies: object[] = []
    const { url, got } = await target()
    const shown: string[] = []
    const progress = {
      show: (doing: string, done: number, total: number) =>
        void shown.push(`${doing} ${done} ${total}`),
    }
    const report = await exportFleet(await source(bodies), orderTo(`${url}/`), progress)
    const sent = ['A', 'B', 'C'].flatMap((id) => [`${id} Authenticate`, `${id} TokenUpdate`])
    expect(got).toEqual(sent.map((message) => `PUT /migration nanomdm:nano ${message}`))
    expect(bodies).toEqual([{ reason: 'back' }, { reason: 'back', cursor: 'two' }])
    expect(shown).toEqual(['exported 1 4', 'exported 2 4', 'exported 3 4'])
    expect(report).toEqual({
      failed: 0,
      lines: [
        '3 devices exported.',
        'Left out (2):',
        '  X: contested',
        '  D: blocked',
        'Unproven here, so check them (1):',
        '  C',
      ],
    })
  })

  it('names a device that the other server refuses, sends no more of it, and goes on', async () => {
    const { url, got } = await target((message) => (message === 'A Authenticate' ? 500 : 200))
    const report = await exportFleet(await source(), orderTo(url), quiet)
    expect(report.failed).toBe(1)
    expect(report.lines).toContain('  A: answered 500 Some text')
    expect(got.map((line) => line.split(' ').slice(3).join(' '))).toEqual([
      'A Authenticate',
      'B Authenticate',
      'B TokenUpdate',
      'C Authenticate',
      'C TokenUpdate',
    ])
  })

  it.each([
    [401, /--to-api-key is not its API key/],
    [404, /it has no such route: NanoMDM has it with the option -migration/],
    [405, /takes no PUT/],
  ])('ends at the first %d', async (status, sentence) => {
    const { url, got } = await target(() => status)
    await expect(exportFleet(await source(), orderTo(url), quiet)).rejects.toThrow(sentence)
    expect(got).toHaveLength(1)
  })

  it('follows no redirect with a secret, and says if the server is not there', async () => {
    const { url, got } = await target(() => 307)
    const report = await exportFleet(await source(), orderTo(url), quiet)
    expect(report.failed).toBe(3)
    expect(got).toHaveLength(3)
    const gone = orderTo('http://127.0.0.1:1')
    await expect(exportFleet(await source(), gone, quiet)).rejects.toThrow(/does not answer: /)
  })
})

describe('an export to a file', () => {
  const path = () => join(mkdtempSync(join(tmpdir(), 'edgemdm-test-')), 'fleet.jsonl')

  it('is one line a device, blocked ones too, that only its owner can read', async () => {
    const file = path()
    writeFileSync(file, 'older', { mode: 0o644 })
    const order = readExportOrder({ export: file, reason: 'back' }, {})
    const report = await exportFleet(await source(), order, quiet)
    expect(report.lines[0]).toBe('4 devices exported.')
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      device('A'),
      device('B'),
      device('C', { unproven: true }),
      device('D', { blocked: true }),
    ])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('leaves the older file if it is interrupted', async () => {
    const file = path()
    writeFileSync(file, 'older')
    const order = readExportOrder({ export: file, reason: 'back' }, {})
    const url = await listen(({ method }, _, response) => {
      response.writeHead(method === 'GET' ? 200 : 503).end('{"total":1,"detail":"not now"}')
    })
    await expect(exportFleet({ url, apiKey: 'key' }, order, quiet)).rejects.toThrow(/not now/)
    expect(readFileSync(file, 'utf8')).toBe('older')
    expect(existsSync(`${file}.new`)).toBe(false)
  })
})

describe('the options of an export', () => {
  it('name the route of the other server, and take its key from the environment', () => {
    const key = { NANOMDM_API_KEY: 'env' }
    const to = { kind: 'server', url: 'https://nano.example.com/migration', apiKey: 'env' }
    for (const named of ['https://nano.example.com/', 'https://nano.example.com/migration']) {
      expect(readExportOrder({ export: named, reason: 'x' }, key)).toEqual({ reason: 'x', to })
    }
  })

  it.each([
    [{ export: 'f' }, /say why with --reason/],
    [{ export: 'f', reason: ' ' }, /say why with --reason/],
    [{ export: 'f', reason: 'x', 'to-api-key': 'k' }, /--to-api-key belongs to a URL/],
    [{ export: 'https://x', reason: 'x' }, /--to-api-key is missing/],
  ])('that do not fit are refused: %j', (values, sentence) => {
    expect(() => readExportOrder(values, {})).toThrow(sentence)
  })
})
