import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { planOfBindings } from '../../../../src/cli/move/plan.ts'
import {
  MOST,
  readAuthority,
  readMovedBlueprint,
  readMovedDevice,
} from '../../../../src/migration/records.ts'
import { checkAuthority } from '../../../../src/pki/x509/authority.ts'
import { pem } from '../../../../src/pki/x509/issue.ts'
import { authority, command, device, planOf, queue } from './fleet.ts'

const sha256 = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex')
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const enrolment = {
  setupUsers: [{ uuid: 'USER', shortName: 'ladmin', longName: '', hidden: true, passwordHash: '' }],
  blueprints: [
    {
      uuid: 'BLUEPRINT',
      name: 'staff',
      install_application_manifest_urls: [],
      profile_ids: ['com.example'],
      user_uuids: ['USER'],
      skip_primary_setup_account_creation: true,
      set_primary_setup_account_as_regular_user: false,
      apply_at: ['Enroll'],
    },
  ],
  depKey: { serial: '0102', certificate: '', key: '' },
  depAccounts: [
    {
      token: {
        consumerKey: 'CK_1',
        consumerSecret: 'CS',
        accessToken: 'AT',
        accessSecret: 'AS',
        expiresAt: 1,
      },
    },
  ],
}

it('each part of a fleet is an item with the digest of its bytes', () => {
  const { items, digest, source } = planOf([device('UDID-1')], {
    profiles: [{ identifier: 'com.example', mobileconfig: base64('<plist/>') }],
    challenges: ['open sesame'],
    kept: [{ kind: 'queue', name: 'typo', data: base64('queue') }],
    ...enrolment,
  })
  expect([source, digest]).toEqual(['micromdm', sha256('bytes of the file')])
  expect(items.map(({ kind, id }) => [kind, id])).toEqual([
    ['authority', authority.certificate.keyId],
    ['certificate', authority.certificate.fingerprint],
    ['setup_user', 'USER'],
    ['blueprint', 'BLUEPRINT'],
    ['dep_key', '0102'],
    ['dep_account', 'CK_1'],
    ['challenge', sha256('open sesame')],
    ['profile', 'com.example'],
    ['device', 'UDID-1'],
    ['kept', 'queue/typo'],
  ])
  expect(items.map((item) => item.digest)).toEqual(items.map(({ data }) => sha256(data)))
  expect(readMovedBlueprint(items[3]?.data ?? new Uint8Array())).toEqual(enrolment.blueprints[0])
  expect(readMovedDevice(items[8]?.data ?? new Uint8Array())).toEqual(device('UDID-1'))
})

it('the key of the CA becomes PKCS#8, which the server takes', () => {
  const [item] = planOf([]).items
  const { certificate, key, nextSerial } = readAuthority(item?.data ?? new Uint8Array())
  const check = checkAuthority(pem('CERTIFICATE', certificate), pem('PRIVATE KEY', key))
  expect(check).toMatchObject({ ok: true })
  expect(nextSerial).toBe(7)
})

it('commands that no device could read, or that are too many, are kept and named', () => {
  const broken = { ...command('BROKEN', 'X'), payload: base64('no plist') }
  const large = command('LARGE', `X${'x'.repeat(9_000_000)}`)
  const { devices, commands, kept, odd } = planOf([
    device(
      'UDID-1',
      queue(command('A', 'ProfileList'), broken, large, command('B', 'EraseDevice')),
    ),
  ])
  expect(devices[0]?.channels[0]?.commands?.map(({ uuid }) => uuid)).toEqual(['A', 'B'])
  expect(commands).toMatchObject([
    { device: 'UDID-1', uuid: 'A', requestType: 'ProfileList', alone: false },
    { device: 'UDID-1', uuid: 'B', requestType: 'EraseDevice', alone: true },
  ])
  expect(kept.map(({ kind, name }) => [kind, name])).toEqual([
    ['command', 'UDID-1 BROKEN'],
    ['command', 'UDID-1 LARGE'],
  ])
  expect(odd.map(({ what, about }) => [what, about])).toEqual([
    ['command_left', 'UDID-1'],
    ['command_left', 'UDID-1'],
  ])
})

it('users and commands beyond the bounds of the API, and large profiles, are kept', () => {
  const user = { user: 'U', token: '', magic: '', topic: '' }
  const users = Array.from({ length: MOST.channels + 2 }, (_, n) => ({ ...user, user: `U${n}` }))
  const many = Array.from({ length: MOST.commands + 1 }, () => command('C', 'ProfileList'))
  const { devices, kept } = planOf(
    [device('UDID-1', { channels: users }), device('UDID-2', queue(...many))],
    { profiles: [{ identifier: 'large', mobileconfig: base64('x'.repeat(1_450_001)) }] },
  )
  expect(devices.map(({ channels }) => channels.length)).toEqual([MOST.channels, 1])
  expect(devices[1]?.channels[0]?.commands).toHaveLength(MOST.commands)
  expect(kept.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'channel UDID-1:U500',
    'channel UDID-1:U501',
    'command UDID-2 C',
    'profile large',
  ])
})

it('the names of kept parts are of the length that the API takes, and no two are the same', () => {
  const { items } = planOf([], {
    kept: [
      { kind: 'user', name: 'x'.repeat(2000), data: '' },
      { kind: 'user', name: `${'x'.repeat(2000)}y`, data: '' },
      { kind: 'user', name: 'twice', data: '' },
      { kind: 'user', name: 'twice', data: '' },
      { kind: 'user', name: 'a\nb', data: '' },
      { kind: 'queue', name: 'large', data: base64('x'.repeat(8_000_001)) },
    ],
  })
  const ids = items.filter(({ kind }) => kind === 'kept').map(({ id }) => id)
  expect(new Set(ids).size).toBe(7)
  expect(ids.filter(({ length }) => length > MOST.idCharacters)).toEqual([])
  expect(ids.slice(2)).toEqual([
    'user/twice',
    'user/twice 2',
    'user/a\ufffdb',
    'queue/large',
    'queue/large 2',
  ])
})

it('a file repository is no part of the copy, and what cannot be sent is named', () => {
  const repository = { folder: 'repo', files: [{ name: 'a.pkg', size: 3 }], skipped: ['link'] }
  const plan = planOf([], {}, repository)
  expect(plan).toMatchObject({ digest: planOf([]).digest, items: planOf([]).items, repository })
  expect(plan.odd).toMatchObject([{ what: 'file_skipped', about: 'link' }])
})

it('bindings of NanoMDM are devices alone', () => {
  const bound = device('UDID-1', { source: 'nanomdm', channels: [] })
  const { source, items } = planOfBindings('bindings.tsv', { devices: [bound], odd: [] })
  expect([source, ...items.map(({ kind, id }) => `${kind} ${id}`)]).toEqual([
    'nanomdm',
    'device UDID-1',
  ])
})
