/** Ids that an admin could not address, or that would address another enrolment. */
import { expect, it } from 'vitest'
import { SHARED_IPAD_USER_ID } from '../../../src/mdm/enrollment.ts'
import {
  binaryPlist,
  enrolled,
  hostileDevice,
  newId,
  stranded,
  type HostileDevice,
} from '../device.ts'
import { deviceUrl, queueApi, type Scene } from '../scene.ts'

const ODD: readonly (readonly [string, string])[] = [
  ['a blank', ' '],
  ['white space only', '\t \u{a0}'],
  ['white space in front', ` ${newId()}`],
  ['white space at the end', `${newId()} `],
  ['a line break at the end', `${newId()}\n`],
  ['a no-break space at the end', `${newId()}\u{a0}`],
  ['a dot', '.'],
  ['two dots', '..'],
  ['NUL', `A\u{0}B`],
  ['a bell', `A\u{7}B`],
  ['an escape', `A\u{1b}[2JB`],
  ['DEL', `A\u{7f}B`],
  ['a line break', `A\nB`],
  ['a tab', `A\tB`],
  ['a lone high surrogate', 'A\u{d800}B'],
  ['a lone low surrogate', 'A\u{dc00}B'],
  ['a Shared iPad’s UserID', SHARED_IPAD_USER_ID],
  ['a Shared iPad’s UserID in small letters', SHARED_IPAD_USER_ID.toLowerCase()],
  ['a thousand characters', 'x'.repeat(1000)],
  ['a megabyte', 'x'.repeat(1_000_000)],
]

/** Only device ids: a colon parts a device from its user. */
const ODD_DEVICES: typeof ODD = [
  ['another device before a colon', 'VICTIM:x'],
  ['a colon at the end', 'VICTIM:'],
  ['a colon in front', ':x'],
]

/** Short names of Managed Apple Accounts and directories, and ids of other servers' devices. */
const EVERYDAY = [
  'ada.lovelace@appleid.example.com',
  'Ada Lovelace',
  'EXAMPLE\\ada',
  'müller-lüdenscheid',
  'naïve+tag_1',
  'O’Brien',
  "O'Brien",
  '山田太郎',
  '😀',
  '100%',
  'a/b',
  'a?b#c&d=e',
  '...',
  '-',
  '0',
]

/** The ids of a message, by the key that the odd one stands under. */
type Ids = (odd: string, attacker: HostileDevice) => Record<string, string>

const DEVICE_KEYS: readonly (readonly [string, Ids])[] = [
  ['UDID', (UDID) => ({ UDID })],
  ['EnrollmentID', (EnrollmentID) => ({ EnrollmentID })],
]
const USER_KEYS: readonly (readonly [string, Ids])[] = [
  ['UserID', (UserID, { udid }) => ({ UDID: udid, UserID })],
  [
    'UserShortName of a Shared iPad',
    (UserShortName, { udid }) => ({ UDID: udid, UserID: SHARED_IPAD_USER_ID, UserShortName }),
  ],
  [
    'UserShortName of a Shared iPad in small letters',
    (UserShortName, { udid }) => ({
      UDID: udid,
      UserID: SHARED_IPAD_USER_ID.toLowerCase(),
      UserShortName,
    }),
  ],
  ['EnrollmentUserID', (EnrollmentUserID, { udid }) => ({ EnrollmentID: udid, EnrollmentUserID })],
]
/** As UserID it is no odd id: a UserShortName goes with it. */
const isConstant = (odd: string): boolean => odd.toUpperCase() === SHARED_IPAD_USER_ID

const refusals = ({ server }: Scene): number => server.output().split('"device:refused"').length - 1

async function listed({ server }: Scene): Promise<string[]> {
  const { body } = await server.api<{ devices: { udid: string }[] | null }>(
    'POST',
    '/v1/devices',
    {},
  )
  return (body.devices ?? []).map(({ udid }) => udid)
}

function check(
  type: 'Authenticate' | 'TokenUpdate',
  topic: string,
  ids: Readonly<Record<string, string>>,
): Uint8Array {
  const token = type === 'TokenUpdate' ? { Token: new Uint8Array(32), PushMagic: newId() } : {}
  return binaryPlist({ MessageType: type, Topic: topic, ...token, ...ids })
}

export function idAttacks(scene: () => Scene): void {
  it.each(DEVICE_KEYS)('an id that no admin can address cannot enrol as %s', async (_, ids) => {
    const before = { listed: await listed(scene()), refusals: refusals(scene()) }
    let attacker = await stranded(scene())
    const odd = [...ODD, ...ODD_DEVICES]
    const taken: string[] = []
    for (const [name, id] of odd) {
      const statuses = [
        await attacker.send(check('Authenticate', attacker.topic, ids(id, attacker))),
        await attacker.send(binaryPlist({ Status: 'Idle', ...ids(id, attacker) }), '/mdm/connect'),
      ].map(({ status }) => status)
      if (statuses.some((status) => status !== 400)) {
        taken.push(`${name}: ${statuses.join(' ')}`)
        // Its identity belongs to that id now, and would be refused under the next for this alone.
        attacker = await stranded(scene())
      }
    }
    expect(taken).toEqual([])
    await expect
      .poll(() => refusals(scene()) - before.refusals)
      .toBeGreaterThanOrEqual(2 * odd.length)
    expect(await listed(scene())).toEqual(before.listed)
  })

  it.each(USER_KEYS)('an id that no admin can address cannot be a user by %s', async (key, ids) => {
    const attacker =
      key === 'EnrollmentUserID' ? await stranded(scene()) : await hostileDevice(scene())
    if (key === 'EnrollmentUserID') {
      const first = { EnrollmentID: attacker.udid }
      const sent = await attacker.send(check('Authenticate', attacker.topic, first))
      expect(sent.status).toBe(200)
    }
    const before = refusals(scene())
    const odd = ODD.filter(([, id]) => key !== 'UserID' || !isConstant(id))
    const taken: string[] = []
    for (const [name, id] of odd) {
      const statuses = [
        await attacker.send(check('TokenUpdate', attacker.topic, ids(id, attacker))),
        await attacker.send(binaryPlist({ Status: 'Idle', ...ids(id, attacker) }), '/mdm/connect'),
      ].map(({ status }) => status)
      if (statuses.some((status) => status !== 400)) {
        taken.push(`${name}: ${statuses.join(' ')}`)
      }
    }
    expect(taken).toEqual([])
    await expect.poll(() => refusals(scene()) - before).toBeGreaterThanOrEqual(2 * odd.length)
    const { body } = await scene().server.api<{ channels: { user: string | null }[] }>(
      'GET',
      deviceUrl(attacker.udid),
    )
    expect(body.channels.filter(({ user }) => user !== null)).toEqual([])
  })

  it('every short name of a directory or Managed Apple Account can be a user, and be addressed', async () => {
    const iPad = await enrolled(scene(), { platform: 'iPadOS', sharedIPad: true })
    const reached: string[] = []
    for (const shortName of EVERYDAY) {
      const channel = iPad.userChannel({ userId: '', shortName })
      expect((await channel.tokenUpdate()).status, shortName).toBe(200)
      const id = `${iPad.udid}:${shortName}`
      await queueApi(scene(), id, { request_type: 'ProfileList' })
      await channel.poll()
      if (channel.received.length === 1) {
        reached.push(shortName)
      }
    }
    expect(reached).toEqual(EVERYDAY)
  })
}
