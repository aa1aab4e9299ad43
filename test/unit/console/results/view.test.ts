import { createHash, generateKeyPairSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { REQUEST_TYPES } from '../../../../src/apple/schema.ts'
import type { JsonObject } from '../../../../src/console/composer/draft.ts'
import { cellOf, sizeText } from '../../../../src/console/results/cell.ts'
import { certificateFacts, fingerprintsOf } from '../../../../src/console/results/certificate.ts'
import { blocksOf, csvOf, type Block } from '../../../../src/console/results/view.ts'
import { issueCertificate, randomSerial } from '../../../../src/pki/x509/issue.ts'

const ENVELOPE = { CommandUUID: 'u', Status: 'Acknowledged', UDID: 'd' }

function factsIn(blocks: readonly Block[]): Record<string, unknown> {
  return Object.fromEntries(blocks.flatMap((one) => (one.kind === 'facts' ? one.facts : [])))
}

it('shows each fact of a device once, and one that it does not know under Other', () => {
  const blocks = blocksOf('DeviceInformation', {
    ...ENVELOPE,
    QueryResponses: {
      DeviceName: 'Ada’s Mac',
      BatteryLevel: 0.87,
      DeviceCapacity: 245.25,
      AvailableDeviceCapacity: 148.5,
      NewInThisOS: true,
    },
  })
  expect(blocks.map((one) => one.kind === 'facts' && one.title)).toEqual([
    'Identity',
    'Hardware',
    'Storage',
    'Other',
  ])
  expect(factsIn(blocks)).toEqual({
    Name: { kind: 'text', text: 'Ada’s Mac' },
    Battery: { kind: 'share', value: 0.87, of: 1, text: '87 %' },
    Capacity: { kind: 'text', text: '245.3 GB' },
    Free: { kind: 'share', value: 148.5, of: 245.25, text: '148.5 GB' },
    'New in this OS': { kind: 'text', text: 'Yes' },
  })
})

it('tells in SecurityInfo what is good and what needs attention', () => {
  const blocks = blocksOf('SecurityInfo', {
    ...ENVELOPE,
    SecurityInfo: {
      FDE_Enabled: true,
      FirewallSettings: { FirewallEnabled: false },
      ManagementStatus: { IsUserEnrollment: false },
    },
  })
  expect(factsIn(blocks)).toMatchObject({
    FileVault: { tone: 'good', text: 'On' },
    Firewall: { tone: 'warn', text: 'Off' },
    'User Enrollment': { tone: 'quiet', text: 'No' },
  })
})

it('makes a table of a list, and of a dictionary of apps', () => {
  const apps = blocksOf('InstalledApplicationList', {
    InstalledApplicationList: [{ Name: 'Maps', BundleSize: 12_345_678 }, { Name: '=1+1' }],
  })
  expect(apps[0]).toMatchObject({ kind: 'table', columns: ['Name', 'Size'] })
  expect(apps[0]?.kind === 'table' && csvOf(apps[0])).toBe("Name,Size\r\nMaps,12.3 MB\r\n'=1+1,—")
  const managed = blocksOf('ManagedApplicationList', {
    ManagedApplicationList: { 'com.example.app': { Status: 'Managed' } },
  })
  expect(managed[0]).toMatchObject({
    rows: [[{ text: 'com.example.app' }, { text: 'Managed' }]],
  })
})

it('shows where a device is', () => {
  expect(
    blocksOf('DeviceLocation', {
      ...ENVELOPE,
      Latitude: 50.9413,
      Longitude: 6.9583,
      HorizontalAccuracy: 12.5,
      Timestamp: '2026-11-30T02:23:14.976Z',
    }),
  ).toEqual([
    {
      kind: 'place',
      latitude: 50.9413,
      longitude: 6.9583,
      accuracy: 12.5,
      at: '2026-11-30T02:23:14.976Z',
    },
  ])
})

it('reads issuer, end and fingerprint of a certificate, and takes other bytes for none', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const data = Buffer.from(
    issueCertificate({
      subject: [
        ['O', 'Example'],
        ['CN', 'EdgeMDM'],
      ],
      publicKey,
      signingKey: privateKey,
      serial: randomSerial(),
      notBefore: Date.UTC(2026, 0, 1),
      notAfter: Date.UTC(2027, 0, 1),
      keyUsage: ['digitalSignature'],
    }),
  ).toString('base64')
  const list = {
    CertificateList: [
      { CommonName: 'Ada', Data: data, IsIdentity: true },
      { CommonName: 'Broken', Data: 'AAEC' },
    ],
  }
  const hash = createHash('sha256').update(Buffer.from(data, 'base64')).digest('hex')
  const [block] = blocksOf('CertificateList', list, await fingerprintsOf(list))
  expect(block).toMatchObject({
    rows: [
      [
        { text: 'Ada' },
        { text: 'EdgeMDM' },
        { kind: 'end', at: '2027-01-01T00:00:00Z' },
        { text: 'Yes' },
        { isMono: true },
        { kind: 'copied', text: hash },
      ],
      [{ text: 'Broken' }, ...Array.from({ length: 5 }, () => ({ text: '—' }))],
    ],
  })
  expect(certificateFacts(data.slice(0, 120))).toBeUndefined()
})

it.each(REQUEST_TYPES)('shows nothing for a %s that says no more than its status', (type) => {
  expect(blocksOf(type, { ...ENVELOPE })).toEqual([])
})

it.each(REQUEST_TYPES)('survives a %s of another form than expected', (type) => {
  const strange: JsonObject = {
    QueryResponses: 5,
    SecurityInfo: [],
    ProfileList: 'x',
    CertificateList: [1, null, { Data: 7 }, { Data: '%' }],
    Latitude: 'here',
    InstalledApplicationList: { a: 1 },
  }
  const text = JSON.stringify(blocksOf(type, strange))
  expect(text).toContain('here')
})

it('keeps dates, long data and whole numbers apart from texts', () => {
  expect(cellOf('2026-11-30T02:23:14.976Z')).toMatchObject({ kind: 'time' })
  expect(cellOf('AAAA'.repeat(40))).toMatchObject({ kind: 'data' })
  expect(cellOf('9007199254740993')).toEqual({ kind: 'text', text: '9007199254740993' })
  expect(cellOf(['a', 'b'])).toEqual({ kind: 'text', text: 'a, b' })
  expect([sizeText(999), sizeText(5_000_000_000)]).toEqual(['999 B', '5 GB'])
})
