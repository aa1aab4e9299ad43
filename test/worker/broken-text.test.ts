import { buildBinary } from 'plist'
import { describe, expect, it } from 'vitest'
import { signAttached } from '../../src/pki/cms-sign.ts'
import { appleIdentity, ask, post, profileOf } from './enroll-tools.ts'
import { api, events, newDevice, TOPIC, until } from './server.ts'
import { enrolled, newHook, removeHooks } from './webhook-tools.ts'

/** A character of the text is a byte. */
const message = (entries: string): Uint8Array =>
  Buffer.from(`<plist><dict>${entries}</dict></plist>`, 'latin1')
const entry = (key: string, text: string): string => `<key>${key}</key><string>${text}</string>`

/** As `raw_payload` has it. */
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const NAME = 'Al\x1bice &#27;\xef\xbf\xbe\xed\xa0\x80\xff ]]>'
const READ = 'Al�ice ������ ]]>'

describe('a device whose name is not all text', () => {
  it('has its answers taken: the webhook gets the bytes, the API shows U+FFFD, the next command goes out', async () => {
    const hook = await newHook({ topics: ['mdm.Connect'] })
    const device = await enrolled()
    const path = `/api/devices/${device.udid}/commands`
    const info = { request_type: 'DeviceInformation', queries: ['DeviceName'] }
    const { body: first } = await api('POST', path, { ...info, command_uuid: 'one' })
    await api('POST', path, { ...info, command_uuid: 'two' })
    await device.connect({ Status: 'Idle' })
    const body = message(
      entry('UDID', device.udid) +
        entry('Status', 'Acknowledged') +
        entry('CommandUUID', 'one') +
        `<key>QueryResponses</key><dict>${entry('DeviceName', NAME)}<key>n</key><date>x</date></dict>` +
        // Of another type than Apple's.
        entry('ErrorChain', 'none') +
        '<key>UnlockToken</key><data>QUJD</data>',
    )
    const next = await device.send(body, 'connect')
    expect(next.status).toBe(200)
    expect(Buffer.from(next.body).toString()).toContain('<string>two</string>')
    const whole = (await events(device.udid, 5)).find(
      ({ acknowledge_event: about }) => about?.['status'] === 'Acknowledged' && !about['redacted'],
    )
    expect(whole?.acknowledge_event?.raw_payload).toBe(base64(body))
    const [cut] = await hook.events(device.udid, 1)
    expect(cut?.acknowledge_event).toMatchObject({ redacted: ['UnlockToken'] })
    const rest = Buffer.from(cut?.acknowledge_event?.raw_payload ?? '', 'base64')
    expect(rest.toString('latin1')).toBe(
      Buffer.from(body).toString('latin1').replace('<key>UnlockToken</key><data>QUJD</data>', ''),
    )
    const shown = await api('GET', `/api/commands/${String(first['id'])}`)
    expect(shown).toMatchObject({
      status: 200,
      body: {
        state: 'acknowledged',
        result: { QueryResponses: { DeviceName: READ, n: 'x' } },
        errors: [],
      },
    })
    await removeHooks()
  })

  it('enrols, and is listed', async () => {
    const device = newDevice()
    const body = message(
      entry('MessageType', 'Authenticate') +
        entry('UDID', device.udid) +
        entry('Topic', TOPIC) +
        entry('DeviceName', NAME),
    )
    expect((await device.send(body, 'checkIn')).status).toBe(200)
    expect((await device.tokenUpdate()).status).toBe(200)
    expect((await events(device.udid, 1))[0]?.checkin_event?.raw_payload).toBe(base64(body))
    await until(
      () => api<{ devices: object[] }>('GET', `/api/devices?q=${device.udid}`),
      ({ body: { devices } }) => JSON.stringify(devices).includes(`"device_name":"${READ}"`),
    )
  })

  it('is refused where an id of it is broken, and nothing is repaired into another’s', async () => {
    const device = await enrolled()
    const broken = message(entry('UDID', `${device.udid}\x01`) + entry('Status', 'Idle'))
    expect((await device.send(broken, 'connect')).status).toBe(400)
    const answer = message(
      entry('UDID', device.udid) + entry('Status', 'Acknowledged') + entry('CommandUUID', 'a\xff'),
    )
    expect((await device.send(answer, 'connect')).status).toBe(400)
  })

  it('gets its profile in Setup Assistant and over the air, in XML and binary', async () => {
    const binary = Buffer.from(
      buildBinary({ UDID: 'U', SERIAL: 'S', PRODUCT: 'iPhone16,2', X: 'ab' }),
    )
    // The text becomes a null object.
    binary[binary.lastIndexOf('Rab', undefined, 'latin1')] = 0
    const xml = message(
      entry('UDID', 'U') + entry('SERIAL', 'S') + entry('PRODUCT', 'iPhone\x1b') + entry('X', NAME),
    )
    for (const plist of [xml, binary]) {
      const body = signAttached({ ...appleIdentity(), body: plist, digest: 'sha256' })
      for (const path of ['/mdm/enroll', '/ota/phase23']) {
        await profileOf(await ask(path, post(body)))
      }
    }
    const serial = message(entry('UDID', 'U') + entry('SERIAL', 'S\x1b'))
    const body = signAttached({ ...appleIdentity(), body: serial, digest: 'sha256' })
    expect((await ask('/mdm/enroll', post(body))).status).toBe(400)
  })
})
