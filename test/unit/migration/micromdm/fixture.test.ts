import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readFleet } from '../../../../src/migration/micromdm/fleet.ts'

/** What MicroMDM 1.13.1 wrote, and what its API said of it. */
const FIXTURE = join(import.meta.dirname, '../../../vectors/micromdm-1.13.1')

interface Push {
  readonly token: string
  readonly push_magic: string
  readonly topic: string
}

interface Expected {
  readonly devices: readonly {
    readonly udid: string
    readonly serial_number: string
    readonly enrollment_status: boolean
    readonly push: Push & { readonly unlock_token_sha256: string | null }
    readonly blocked: boolean
    readonly certificate_sha256: string
  }[]
  readonly user_channels: readonly (Push & { readonly udid: string; readonly user_id: string })[]
  readonly bootstrap_tokens: Readonly<Record<string, string>>
  readonly key_files: Readonly<Record<string, string>>
  readonly queues: Readonly<Record<string, readonly string[]>>
  readonly users: { readonly channels: readonly string[]; readonly accounts: readonly string[] }
  readonly removed_but_bound: readonly string[]
  readonly blueprints: readonly string[]
  readonly payload_sha256: Readonly<Record<string, string>>
  readonly profile_sha256: Readonly<Record<string, string>>
}

const expected: Expected = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8'))
const fleet = readFleet(readFileSync(join(FIXTURE, 'micromdm.db')), { now: Date.UTC(2027, 0) })
const byId = new Map(fleet.devices.map((device) => [device.id, device]))

const bytesOf = (base64: string): Buffer => Buffer.from(base64, 'base64')
const sha256 = (base64: string): string =>
  createHash('sha256').update(bytesOf(base64)).digest('hex')
const pushOf = ({ token, push_magic: magic, topic }: Push) => ({ token, magic, topic })

const owners = (what: string): string[] =>
  fleet.odd.filter((odd) => odd.what === what).map(({ about }) => about)

describe('of the file that MicroMDM 1.13.1 wrote', () => {
  it('each device is read, the removed ones too', () => {
    const ids = [...expected.devices.map(({ udid }) => udid), ...expected.removed_but_bound]
    expect(fleet.devices.map(({ id }) => id)).toEqual(ids.toSorted())
  })

  it.each(expected.devices.map((device) => [device.udid, device] as const))(
    'device %s has its state, tokens and certificate',
    (udid, device) => {
      const found = byId.get(udid)
      expect(found).toMatchObject({
        type: 'Device',
        source: 'micromdm',
        state: device.enrollment_status ? 'enrolled' : 'checked_out',
        blocked: device.blocked,
        facts: { SerialNumber: device.serial_number },
        bindings: [{ fingerprint: device.certificate_sha256 }],
      })
      expect(found?.channels[0]).toMatchObject({ user: '', ...pushOf(device.push) })
      expect(sha256(found?.bindings?.[0]?.certificate ?? '')).toBe(device.certificate_sha256)
      expect(found?.unlockToken === undefined ? null : sha256(found.unlockToken)).toBe(
        device.push.unlock_token_sha256,
      )
      expect(found?.bootstrapToken).toBe(expected.bootstrap_tokens[udid])
      expect(new Date(found?.lastSeen ?? 0).getUTCFullYear()).toBe(2026)
    },
  )

  it('each user is a channel of its device', () => {
    const channels = fleet.devices.flatMap(({ id, channels: all }) =>
      all.slice(1).map(({ user, token, magic, topic }) => ({ id, user, token, magic, topic })),
    )
    const wanted = expected.user_channels.map((channel) => ({
      id: channel.udid,
      user: channel.user_id,
      ...pushOf(channel),
    }))
    const inOrder = (all: typeof wanted) => all.toSorted((a, b) => (a.user < b.user ? -1 : 1))
    expect(inOrder(channels)).toEqual(inOrder(wanted))
    expect(channels.map(({ user }) => user).toSorted()).toEqual(expected.users.channels.toSorted())
  })

  it('each queue has its commands in order, byte for byte', () => {
    const queues = fleet.devices.flatMap(({ id, channels }) =>
      channels.map(({ user, commands = [] }) => [user || id, commands] as const),
    )
    const waiting = queues.filter(([, commands]) => commands.length > 0)
    expect(
      Object.fromEntries(waiting.map(([key, commands]) => [key, commands.map(({ uuid }) => uuid)])),
    ).toEqual(expected.queues)
    const payloads = waiting.flatMap(([, commands]) => commands)
    expect(
      Object.fromEntries(payloads.map(({ uuid, payload }) => [uuid, sha256(payload)])),
    ).toEqual(expected.payload_sha256)
    expect(payloads.every(({ queuedAt }) => queuedAt === 0)).toBe(true)
  })

  it('removed devices are retired: they have a binding and a queue, and no push token', () => {
    for (const udid of expected.removed_but_bound) {
      const { state, bindings = [], channels, facts } = byId.get(udid) ?? { channels: [] }
      expect({ state, facts, bindings: bindings.length }).toEqual({
        state: 'retired',
        facts: undefined,
        bindings: 1,
      })
      expect(channels).toMatchObject([{ user: '', token: '', magic: '', topic: '' }])
    }
    expect(owners('retired')).toEqual(expected.removed_but_bound.toSorted())
  })

  it('blocked devices are said, and nothing else is odd', () => {
    const blocked = expected.devices.filter((device) => device.blocked).map(({ udid }) => udid)
    expect(owners('blocked')).toEqual(blocked.toSorted())
    expect(fleet.odd.length).toBe(blocked.length + expected.removed_but_bound.length)
  })

  it('profiles are as they were, and nothing is left over', () => {
    expect(
      Object.fromEntries(
        fleet.profiles.map(({ identifier, mobileconfig }) => [identifier, sha256(mobileconfig)]),
      ),
    ).toEqual(expected.profile_sha256)
    expect(fleet.kept).toEqual([])
  })

  it('the blueprint and the account have all their values', () => {
    const hash = '<?xml version="1.0"?><plist version="1.0"><dict/></plist>'
    expect(fleet.setupUsers).toEqual([
      {
        uuid: expected.users.accounts[0],
        shortName: 'ladmin',
        longName: 'Local Admin',
        hidden: true,
        passwordHash: Buffer.from(hash).toString('base64'),
      },
    ])
    expect(fleet.blueprints).toEqual([
      {
        uuid: 'B1B2C3D4-0000-4000-8000-000000000001',
        name: expected.blueprints[0],
        install_application_manifest_urls: ['https://example.com/m.plist'],
        profile_ids: ['com.example.alpha', 'com.example.beta'],
        user_uuids: expected.users.accounts,
        skip_primary_setup_account_creation: true,
        set_primary_setup_account_as_regular_user: false,
        apply_at: ['Enroll'],
      },
    ])
  })

  it('the CA is the one that issued all certificates, and its next serial number is free', () => {
    const { authority, certificates } = fleet
    const ca = new X509Certificate(bytesOf(authority?.certificate ?? ''))
    const key = createPrivateKey({
      key: bytesOf(authority?.key ?? ''),
      format: 'der',
      type: 'pkcs1',
    })
    expect(ca.checkPrivateKey(key)).toBe(true)
    const read = certificates.map((der) => new X509Certificate(bytesOf(der)))
    expect(read.length).toBe(expected.devices.length + expected.removed_but_bound.length)
    expect(read.every((certificate) => certificate.verify(ca.publicKey))).toBe(true)
    const serials = read.map(({ serialNumber }) => Number.parseInt(serialNumber, 16))
    expect(authority?.nextSerial).toBe(Math.max(...serials) + 1)
  })

  it.each(Object.entries(expected.key_files))('the key file %s is that of %s', (name, udid) => {
    const read = (what: string): string =>
      readFileSync(join(FIXTURE, `${name}-${what}.pem`), 'utf8')
    const certificate = new X509Certificate(read('cert'))
    expect(certificate.checkPrivateKey(createPrivateKey(read('key')))).toBe(true)
    expect(byId.get(udid)?.bindings?.[0]?.certificate).toBe(certificate.raw.toString('base64'))
  })

  it('the counts are those of the file', () => {
    expect(fleet.counts).toMatchObject({
      devices: 40,
      userChannels: expected.user_channels.length,
      commands: Object.keys(expected.payload_sha256).length,
      buckets: {
        'mdm.Devices': expected.devices.length,
        'mdm.PushInfo': 48,
        scep_certificates: 43,
      },
    })
    expect(fleet.challenges).toEqual([])
    expect(fleet.pushCertificate).toBeUndefined()
  })
})
