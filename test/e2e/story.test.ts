import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import {
  fetchAlone,
  newState,
  start,
  startReceiver,
  type ReceivedEvent,
  type Receiver,
  type RunningServer,
} from './server.ts'
import { entry, xmlOf } from '../devices/xml.ts'

interface List {
  devices: { udid: string; serial_number: string; enrollment_status: boolean }[] | null
}

/** Of all tests, which run side by side: one of them waits for a minute. */
const running: (RunningServer | Receiver)[] = []

afterAll(async () => {
  for (const item of running.splice(0).toReversed()) {
    await ('stop' in item ? item.stop() : item.close())
  }
})

async function receiver(): Promise<Receiver> {
  const started = await startReceiver()
  running.push(started)
  return started
}

async function server(
  state: string,
  flags: readonly string[],
  until?: string,
): Promise<RunningServer> {
  const started = await start(state, flags, until)
  running.push(started)
  return started
}

const of = (events: readonly ReceivedEvent[], udid: string): ReceivedEvent[] =>
  events.filter((event) => (event.checkin_event ?? event.acknowledge_event)?.udid === udid)

it.concurrent('npm start enrols simulated devices, pushes them over HTTP/2, and posts every event in order; SIGTERM ends it with 0', async () => {
  const hook = await receiver()
  const edge = await server(
    await newState(),
    ['--devices', '3', '--webhook', hook.url],
    'simulated devices enrolled',
  )
  const { body } = await edge.api<List>('POST', '/v1/devices', {})
  expect(body.devices).toHaveLength(3)
  const udids = body.devices?.map(({ udid }) => udid) ?? []
  for (const udid of udids) {
    const queued = await edge.api('POST', '/v1/commands', {
      udid,
      request_type: 'DeviceInformation',
      queries: ['OSVersion'],
    })
    expect(queued.status).toBe(201)
  }
  await hook.until((events) =>
    udids.every((udid) =>
      of(events, udid).some(({ acknowledge_event: told }) => told?.status === 'Acknowledged'),
    ),
  )
  for (const udid of udids) {
    const events = of(hook.received, udid)
    expect(events.slice(0, 2).map(({ topic }) => topic)).toEqual([
      'mdm.Authenticate',
      'mdm.TokenUpdate',
    ])
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
  }
  expect(await edge.stop()).toBe(0)
})

it.concurrent('npm start loses nothing to kill -9 and to a receiver that is down', async () => {
  const hook = await receiver()
  const state = await newState()
  hook.answer = 503
  const first = await server(
    state,
    ['--devices', '2', '--webhook', hook.url],
    'simulated devices enrolled',
  )
  const { body } = await first.api<List>('POST', '/v1/devices', {})
  const udids = body.devices?.map(({ udid }) => udid) ?? []
  await first.stop('SIGKILL')
  hook.answer = 200
  const second = await server(state, ['--webhook', hook.url])
  const again = await second.api<List>('POST', '/v1/devices', {})
  expect(again.body.devices?.map(({ udid }) => udid).toSorted()).toEqual(udids.toSorted())
  // The device's alarm announces an event again that was not fetched, a minute after it.
  await hook.until((events) =>
    udids.every((udid) =>
      [1, 2].every((n) => of(events, udid).some(({ sequence }) => sequence === n)),
    ),
  )
  for (const udid of udids) {
    const sequences = of(hook.received, udid).map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
  }
})

it.concurrent('npm start serves a device that is OpenSSL and plain HTTP', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'edgemdm-openssl-'))
  const openssl = (...args: string[]): Buffer =>
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '30',
    '-subj',
    '/O=Example/CN=Somebody else’s CA',
  )
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'device.key',
    '-out',
    'device.csr',
    '-subj',
    '/CN=A device',
  )
  openssl(
    'x509',
    '-req',
    '-in',
    'device.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'device.pem',
    '-days',
    '30',
  )
  const hook = await receiver()
  const edge = await server(await newState(), [
    '--device-ca',
    join(dir, 'ca.pem'),
    '--webhook',
    hook.url,
  ])
  const udid = '00008030-000A1B2C3D4E5F60'
  const put = async (
    path: string,
    keys: string,
  ): Promise<{ status: number; text: string; sent: Buffer }> => {
    const sent = Buffer.from(xmlOf(entry('UDID', udid) + keys))
    writeFileSync(join(dir, 'body'), sent)
    openssl(
      'smime',
      '-sign',
      '-binary',
      '-in',
      'body',
      '-signer',
      'device.pem',
      '-inkey',
      'device.key',
      '-outform',
      'DER',
      '-out',
      'signature',
      '-md',
      'sha256',
    )
    const response = await fetchAlone(edge.url + path, {
      method: 'PUT',
      body: sent,
      headers: { 'mdm-signature': readFileSync(join(dir, 'signature')).toString('base64') },
    })
    return { status: response.status, text: await response.text(), sent }
  }
  const messages = [
    await put(
      '/mdm/checkin',
      entry('MessageType', 'Authenticate') +
        entry('Topic', 'com.apple.mgmt.x') +
        entry('SerialNumber', 'C02OPENSSL'),
    ),
    await put(
      '/mdm/checkin',
      entry('MessageType', 'TokenUpdate') +
        entry('Topic', 'com.apple.mgmt.x') +
        entry('PushMagic', 'magic') +
        '<key>Token</key><data>AP8QoAD/EKAA/xCgAP8QoAD/EKAA/xCgAP8QoAD/EKA=</data>',
    ),
  ]
  expect(messages.map(({ status }) => status)).toEqual([200, 200])
  await edge.api('POST', '/v1/commands', {
    udid,
    request_type: 'SecurityInfo',
    command_uuid: 'one',
  })
  const idle = await put('/mdm/connect', entry('Status', 'Idle'))
  expect(idle.text).toContain('<string>SecurityInfo</string>')
  const answered = await put(
    '/mdm/connect',
    entry('Status', 'Acknowledged') + entry('CommandUUID', 'one'),
  )
  expect(answered).toMatchObject({ status: 200, text: '' })
  await hook.until((events) => of(events, udid).length >= 4)
  const payloads = of(hook.received, udid).map(
    (event) => (event.checkin_event ?? event.acknowledge_event)?.raw_payload,
  )
  expect(payloads).toEqual([...messages, idle, answered].map(({ sent }) => sent.toString('base64')))
})

it.concurrent('npm start reports a fault in one line and exits with 1', async () => {
  const state = await newState()
  for (const [flags, message] of [
    [['--no-such-flag'], '--no-such-flag'],
    [['--port', 'many'], '--port'],
    [['--device-ca', '/no/such/file'], '/no/such/file'],
  ] as const) {
    const failed = await start(state, flags).then(
      () => 'started',
      (error: Error) => error.message,
    )
    expect(failed).toContain('ended with 1')
    expect(failed).toContain(message)
  }
})
