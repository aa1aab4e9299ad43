import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { checkPushChange } from '../../../../src/cli/push-cert/change.ts'
import { keepInstalled } from '../../../../src/cli/push-cert/installed.ts'
import { readCertificateRecord } from '../../../../src/cli/push-cert/record.ts'
import { pushIdentity, type PushPair } from '../../../../src/cli/settings.ts'
import { pushCertificate } from '../../../e2e/apns.ts'

const NOW = Date.parse('2027-03-01T10:00:00Z')
const DAY = 86_400_000
const TOPIC = 'com.apple.mgmt.External.0e8ba7e2-4f4d-4f12-9a3c-6d1f7ad1a001'
const pairOf = (topic: string, days: number): PushPair => {
  const { certPem, keyPem } = pushCertificate(topic, days)
  return pushIdentity({ certificate: certPem, key: keyPem }, 0)
}
const push: PushPair = { ...pairOf(TOPIC, 300), notAfter: Date.parse('2028-02-29T10:00:00Z') }
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgemdm-installed-'))
  return () => rmSync(folder, { recursive: true })
})

const keep = (changes: Partial<Parameters<typeof keepInstalled>[0]> = {}) =>
  keepInstalled({
    folder,
    push,
    account: undefined,
    certificateId: undefined,
    now: NOW,
    ...changes,
  })

describe('an installed certificate', () => {
  it('is recorded with its account, topic and end, for the owner’s eyes alone', () => {
    keep({ account: 'mdm@example.com', certificateId: 'one' })
    expect(readCertificateRecord(folder)).toEqual({
      account: 'mdm@example.com',
      topic: TOPIC,
      not_after: '2028-02-29T10:00:00.000Z',
      uploads: [{ id: 'one', certificate: push.certificate }],
    })
    expect(statSync(join(folder, 'record')).mode & 0o777).toBe(0o600)
  })

  it('asks for the account until one is recorded, and then names it', () => {
    expect(keep().join('\n')).toContain('note --account ADDRESS')
    expect(keep({ account: 'mdm@example.com' })).toContain(
      'Only the Apple Account mdm@example.com can renew it.',
    )
    expect(keep()).toContain('Only the Apple Account mdm@example.com can renew it.')
  })

  it('has a calendar entry 45 days before its end, in lines of at most 75 octets', () => {
    keep({ account: 'größe;admin,mdm@example.com' })
    const text = readFileSync(join(folder, 'renew-push-certificate.ics'), 'utf8')
    const lines = text.split('\r\n')
    expect(text).not.toMatch(/[^\r]\n/)
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBe(75)
    const unfolded = text.replaceAll('\r\n ', '')
    expect(unfolded).toContain('\r\nDTSTART;VALUE=DATE:20280115\r\n')
    expect(unfolded).toContain('\r\nDTSTAMP:20270301T100000Z\r\n')
    expect(unfolded).toContain(`\r\nUID:${TOPIC}@edgemdm\r\n`)
    expect(unfolded).toContain(String.raw`größe\;admin\,mdm@example.com`)
    expect(unfolded).toContain(`choose Renew on the row with the UID ${TOPIC}.`)
    expect(unfolded).toMatch(/^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\n.*END:VCALENDAR\r\n$/s)
  })

  it('that ends within 45 days is to be renewed today', () => {
    keep({ push: { ...push, notAfter: NOW + 9 * DAY } })
    expect(readFileSync(join(folder, 'renew-push-certificate.ics'), 'utf8')).toContain(
      'DTSTART;VALUE=DATE:20270301',
    )
  })

  it('leaves the two newest uploads, and names the older ones with their command once', () => {
    const deletions = (changes: Parameters<typeof keep>[0]) =>
      keep(changes).filter((line) => line.includes('mtls-certificate delete'))
    expect(deletions({ certificateId: 'b', previousId: 'a' })).toEqual([])
    expect(deletions({ certificateId: 'b' })).toEqual([])
    expect(deletions({ certificateId: 'c', previousId: 'b' })).toEqual([
      '  npx wrangler mtls-certificate delete --id a',
    ])
    expect(deletions({ certificateId: 'c' })).toEqual([])
    expect(readCertificateRecord(folder).uploads?.map(({ id }) => id)).toEqual(['c', 'b'])
  })

  it('with another topic says that devices have to enrol again', () => {
    keep()
    expect(keep({ push: { ...push, topic: 'com.apple.mgmt.External.new' } })[0]).toBe(
      `The topic was ${TOPIC}: each device with that topic has to enrol again.`,
    )
  })

  it('is not recorded over a record that cannot be read', () => {
    writeFileSync(join(folder, 'record'), '{')
    expect(() => keep()).toThrow(/record: .*Repair or delete it/)
  })
})

describe('a change of the certificate', () => {
  const [old, renewed, foreign] = [
    pairOf(TOPIC, 20),
    pairOf(TOPIC, 365),
    pairOf('com.apple.mgmt.x', 365),
  ]
  const check = (before: PushPair, after: PushPair, force = false) =>
    checkPushChange({ before: before.certificate, push: after, force, enrolled: () => 3 })

  it.each([
    ['a later end', () => check(old, renewed)],
    ['the same certificate', () => check(old, old)],
    ['an earlier end, forced', () => check(renewed, old, true)],
    ['another topic, forced', () => check(old, foreign, true)],
  ])('to %s is allowed', async (_, change) => {
    await expect(change()).resolves.toBeUndefined()
  })

  it('to an earlier end is refused: the file is last year’s', async () => {
    await expect(check(renewed, old)).rejects.toThrow(
      /this certificate ends on 20[\d-]+, and the one in use only on 20[\d-]+: give the renewed one/,
    )
  })

  it('to another topic is refused while devices are enrolled', async () => {
    await expect(check(old, foreign)).rejects.toThrow(
      /^3 devices are enrolled with the topic .*every device has to enrol again$/,
    )
  })
})
