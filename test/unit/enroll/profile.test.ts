import { describe, expect, it } from 'vitest'
import { ownProfile } from '../../../src/enroll/installed-profile.ts'
import {
  enrollmentProfile,
  otaPhase2Profile,
  profileServicePayload,
} from '../../../src/enroll/profile.ts'
import { type AssumedProfile, planRenewal } from '../../../src/enroll/renewal-profile.ts'
import { deviceUrls, enrollUrls } from '../../../src/enroll/urls.ts'
import { writePlistText } from '../../../src/plist/write.ts'

const BASE = 'https://mdm.example.org'

function own(query = '') {
  const { serverUrl, checkInUrl } = deviceUrls(BASE, new URLSearchParams(query))
  return ownProfile({ serverUrl, checkInUrl, topic: 'com.apple.mgmt.External.x' })
}

function facts(organization = '') {
  let count = 0
  const { scepUrl } = deviceUrls(BASE, new URLSearchParams())
  return {
    scepUrl,
    challenge: 'secret',
    organization,
    newUuid: () => `00000000-0000-4000-8000-00000000000${'abcdef'[count++]}`,
  }
}

const SCEP = {
  URL: `${BASE}/scep`,
  Subject: [[['O', 'MicroMDM']], [['CN', 'MicroMDM Identity (%ComputerName%)']]],
  Keysize: 2048,
  'Key Type': 'RSA',
  'Key Usage': 5,
  Challenge: 'secret',
}

describe('the enrolment profile', () => {
  it('has the identifiers, keys and values of MicroMDM’s, and no others', () => {
    expect(enrollmentProfile(own(), facts())).toEqual({
      PayloadType: 'Configuration',
      PayloadIdentifier: 'com.github.micromdm.micromdm.enroll',
      PayloadVersion: 1,
      PayloadUUID: '00000000-0000-4000-8000-00000000000C',
      PayloadOrganization: 'MicroMDM',
      PayloadDisplayName: 'Enrollment Profile',
      PayloadDescription: 'The server may alter your settings',
      PayloadContent: [
        {
          PayloadType: 'com.apple.security.scep',
          PayloadIdentifier: 'com.github.micromdm.micromdm.enroll.scep',
          PayloadVersion: 1,
          PayloadUUID: '00000000-0000-4000-8000-00000000000A',
          PayloadDisplayName: 'SCEP',
          PayloadDescription: 'Configures SCEP',
          PayloadOrganization: 'MicroMDM',
          PayloadContent: { ...SCEP, Name: 'Device Management Identity Certificate' },
        },
        {
          PayloadType: 'com.apple.mdm',
          PayloadIdentifier: 'com.github.micromdm.micromdm.enroll.mdm',
          PayloadVersion: 1,
          PayloadUUID: '00000000-0000-4000-8000-00000000000B',
          PayloadDescription: 'Enrolls with the MDM server',
          PayloadOrganization: 'MicroMDM',
          ServerURL: `${BASE}/mdm/connect`,
          CheckInURL: `${BASE}/mdm/checkin`,
          Topic: 'com.apple.mgmt.External.x',
          IdentityCertificateUUID: '00000000-0000-4000-8000-00000000000A',
          AccessRights: 8191,
          CheckOutWhenRemoved: true,
          SignMessage: true,
          ServerCapabilities: [
            'com.apple.mdm.per-user-connections',
            'com.apple.mdm.bootstraptoken',
          ],
        },
      ],
    })
  })

  it('differs from download to download only in its UUIDs', () => {
    const text = () =>
      writePlistText(
        enrollmentProfile(own(), { ...facts(), newUuid: () => crypto.randomUUID() }),
      ).replaceAll(/[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}/g, 'UUID')
    expect(text()).toBe(text())
    expect(text().split('UUID</string>')).toHaveLength(5)
  })

  it('has no Challenge key when there is no challenge', () => {
    expect(writePlistText(enrollmentProfile(own(), { ...facts(), challenge: '' }))).not.toContain(
      'Challenge',
    )
  })

  it('carries the query of its own URL into the URLs that the device calls, but neither token nor invitation', () => {
    const query = 'site=Zürich %26 Bern&token=opensesame&invitation=opensesame&site=2'
    const profile = enrollmentProfile(own(query), facts())
    expect(profile).toMatchObject({
      PayloadContent: [
        { PayloadContent: { URL: `${BASE}/scep` } },
        {
          ServerURL: `${BASE}/mdm/connect?site=Z%C3%BCrich+%26+Bern&site=2`,
          CheckInURL: `${BASE}/mdm/checkin?site=Z%C3%BCrich+%26+Bern&site=2`,
        },
      ],
    })
    expect(writePlistText(profile)).not.toContain('opensesame')
  })
})

describe('the name of the organisation', () => {
  const NAME = 'Müller & Söhne <AG>'
  const profiles = (name: string) => [
    enrollmentProfile(own(), facts(name)),
    otaPhase2Profile(facts(name)),
    profileServicePayload(`${BASE}/ota/phase23`, facts(name)),
  ]
  const stored = {
    PayloadIdentifier: 'own',
    PayloadContent: [
      { PayloadType: 'com.apple.mdm', IdentityCertificateUUID: 'I', Topic: 'x' },
      { PayloadType: 'com.apple.security.pkcs12', PayloadUUID: 'I' },
    ],
  }
  const renewal = (name: string, assumed: AssumedProfile) => {
    const { serverUrl, checkInUrl, topic } = own()
    const known = { type: 'Device', profile: undefined, serverUrl, checkInUrl, topic } as const
    const plan = planRenewal(known, assumed)
    return plan.ok ? plan.write(facts(name)) : expect.fail(plan.reason)
  }

  it('replaces MicroMDM in texts for people, and nowhere else', () => {
    const all = profiles(NAME)
    expect(all).toMatchObject([
      {
        PayloadDisplayName: `${NAME} Enrollment Profile`,
        PayloadDescription: `${NAME} may alter your settings`,
        PayloadOrganization: NAME,
        PayloadContent: [
          {
            PayloadOrganization: NAME,
            PayloadContent: { Subject: [[['O', NAME]], [['CN', 'MDM Identity (%ComputerName%)']]] },
          },
          { PayloadOrganization: NAME },
        ],
      },
      { PayloadDisplayName: `${NAME} OTA Phase 2`, PayloadOrganization: NAME },
      { PayloadDisplayName: `${NAME} Profile Service`, PayloadOrganization: NAME },
    ])
    for (const text of all.map(writePlistText)) {
      expect(text).toContain('<string>Müller &amp; Söhne &lt;AG&gt;</string>')
      expect(text.replaceAll('com.github.micromdm.micromdm', '')).not.toMatch(/micromdm/i)
    }
  })

  it.each([
    ['the profiles', profiles],
    [
      'a renewal',
      (name: string) => [
        renewal(name, { kind: 'own' }),
        renewal(name, { kind: 'stored', profile: stored }),
      ],
    ],
  ])('changes no identifier in %s', (_, made) => {
    const withoutNames = (name: string) =>
      JSON.parse(JSON.stringify(made(name)), (key, value: unknown) =>
        /^(Payload(Organization|DisplayName|Description)|Subject)$/.test(key) ? undefined : value,
      )
    expect(withoutNames(NAME)).toEqual(withoutNames(''))
    expect(made(NAME)).not.toEqual(made(''))
  })
})

describe('an over-the-air enrolment', () => {
  it('begins with a bare Profile Service payload, whose URL keeps token and invitation', () => {
    const urls = deviceUrls(BASE, new URLSearchParams('token=opensesame&invitation=1&site=1'))
    expect(profileServicePayload(urls.phase23Url, facts())).toEqual({
      PayloadType: 'Profile Service',
      PayloadIdentifier: 'com.github.micromdm.micromdm.ota',
      PayloadVersion: 1,
      PayloadUUID: '00000000-0000-4000-8000-00000000000A',
      PayloadDisplayName: 'MicroMDM Profile Service',
      PayloadDescription: 'Profile Service enrollment',
      PayloadOrganization: 'MicroMDM',
      PayloadContent: {
        URL: `${BASE}/ota/phase23?token=opensesame&invitation=1&site=1`,
        DeviceAttributes: ['UDID', 'VERSION', 'PRODUCT', 'SERIAL', 'MEID', 'IMEI'],
      },
    })
  })

  it('continues with a profile that holds only an identity', () => {
    expect(otaPhase2Profile(facts())).toMatchObject({
      PayloadType: 'Configuration',
      PayloadIdentifier: 'com.github.micromdm.micromdm.ota.phase2',
      PayloadDisplayName: 'OTA Phase 2',
      PayloadScope: 'System',
      PayloadContent: [
        {
          PayloadType: 'com.apple.security.scep',
          PayloadContent: { ...SCEP, Name: 'OTA Phase 2 Certificate' },
        },
      ],
    })
  })
})

it('the links into enrolment keep the whole query, token included, and lead to the page where there is one', () => {
  const query = new URLSearchParams('token=a b&x=1')
  expect(enrollUrls(BASE, query, true)).toEqual({
    link: `${BASE}/?token=a+b&x=1`,
    profile: `${BASE}/mdm/enroll?token=a+b&x=1`,
    ota: `${BASE}/ota/enroll?token=a+b&x=1`,
  })
  expect(enrollUrls(BASE, query, false).link).toBe(`${BASE}/mdm/enroll?token=a+b&x=1`)
})
