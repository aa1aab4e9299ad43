/** Messages of one device to its object, whose signatures and chains the Worker found good. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { viewIdentities } from '../../../src/device/enrolment/revocation.ts'
import type { Claim } from '../../../src/device/enrolment/identity.ts'
import { appendCommand } from '../../../src/device/queue/enqueue.ts'
import { receive } from '../../../src/device/enrolment/receive.ts'
import type { DeviceAnswer } from '../../../src/device/enrolment/message.ts'
import { channelOf } from '../../../src/device/store/channels.ts'
import type { Enrollment } from '../../../src/mdm/enrollment.ts'
import { type CheckIn, type Message, NO_FACTS } from '../../../src/mdm/message.ts'
import type { TestObject } from './object.ts'

export const DEVICE: Enrollment = { type: 'Device', device: 'UDID-1', user: '' }
export const user = (id: string): Enrollment => ({ type: 'User', device: 'UDID-1', user: id })

export const report = (enrollment: Enrollment, status: string, commandUUID?: string): Message => ({
  kind: 'report',
  enrollment,
  status,
  commandUUID,
})

export const idle = (enrollment: Enrollment): Message => report(enrollment, 'Idle')

export const authenticate: Extract<CheckIn, { messageType: 'Authenticate' }> = {
  kind: 'checkin',
  enrollment: DEVICE,
  messageType: 'Authenticate',
  topic: 'topic',
  facts: NO_FACTS,
}

/** The same of a device that tells its serial number. */
export const authenticateAs = (SerialNumber: string): typeof authenticate => ({
  ...authenticate,
  facts: { ...NO_FACTS, SerialNumber },
})

export const tokenUpdate = (
  enrollment: Enrollment,
  more: {
    topic?: string
    token?: Uint8Array
    awaitingConfiguration?: boolean
    unlockToken?: Uint8Array
  } = {},
): Extract<CheckIn, { messageType: 'TokenUpdate' }> => ({
  kind: 'checkin',
  enrollment,
  messageType: 'TokenUpdate',
  topic: 'topic',
  token: new Uint8Array(32),
  pushMagic: 'magic',
  unlockToken: undefined,
  awaitingConfiguration: undefined,
  userShortName: '',
  userLongName: '',
  ...more,
})

type Plain = 'CheckOut' | 'GetBootstrapToken'
export const checkIn = (messageType: Plain, enrollment = DEVICE): Message => ({
  kind: 'checkin',
  enrollment,
  messageType,
})

export const setBootstrapToken = (text: string): Message => ({
  kind: 'checkin',
  enrollment: DEVICE,
  messageType: 'SetBootstrapToken',
  bootstrapToken: new TextEncoder().encode(text),
})

interface Said extends Partial<Claim> {
  /** Names what was signed. */
  readonly digest?: string
  readonly listed?: number
  readonly body?: Uint8Array
  /** There may be blueprints. */
  readonly setup?: true
}

/** The object's answer to a message signed by `fingerprint`. */
export function say(
  object: TestObject,
  message: Message,
  fingerprint = 'A',
  { digest, listed, body = new Uint8Array([1]), setup, ...claim }: Said = {},
): DeviceAnswer {
  return object.commit((context) =>
    receive(context, {
      message,
      body,
      eventId: randomUUID(),
      url: 'https://mdm.test/mdm/connect',
      params: {},
      fingerprint,
      claim: { caKey: 'ca', subject: 'CN=device', notAfter: 1e15, issuedHere: false, ...claim },
      listeners: ['webhook'],
      conflictListeners: ['webhook'],
      deferredListeners: [],
      contestListeners: ['webhook'],
      digest,
      listed,
      ...(setup && { setup }),
    }),
  )
}

export function queue(
  object: TestObject,
  uuid: string,
  requestType = 'ProfileList',
  {
    user: of = '',
    ...more
  }: {
    payload?: Uint8Array
    secret?: boolean
    user?: string
    source?: string
    heldFor?: 'moved'
  } = {},
): void {
  object.commit((context) => {
    const command = {
      uuid,
      requestType,
      payload: new Uint8Array(3),
      secret: false,
      source: '',
      ...more,
    }
    appendCommand(context, channelOf(context, of), command)
  })
}

/** The plist of the answer; empty where there is none. */
export const replyOf = (answer: DeviceAnswer): string =>
  answer.kind === 'accepted' ? new TextDecoder().decode(answer.reply) : ''

/** The CommandUUID of the DeviceInformation that a kept identity is to acknowledge; empty where the answer has none. */
export function probeIn(answer: DeviceAnswer): string {
  const commandUUID = /DeviceInformation[^]*<key>CommandUUID<\/key>\s*<string>([^<]+)/
  return commandUUID.exec(replyOf(answer))?.[1] ?? ''
}

/** One that is kept comes, and acknowledges that command. */
export function showLife(object: TestObject, who = 'A'): DeviceAnswer {
  const probe = probeIn(say(object, idle(DEVICE), who))
  expect(probe).not.toBe('')
  return say(object, report(DEVICE, 'Acknowledged', probe), who)
}

/** `A current first`: each certificate with its standing and proof. */
export function standings(object: TestObject): string[] {
  return object
    .commit(viewIdentities)
    .map(({ fingerprint, standing, proof }) => `${fingerprint} ${standing} ${proof}`.trim())
}

/** The state of each command by its CommandUUID, and what it is held for. */
export function fates(object: TestObject): Record<string, string> {
  const rows = object
    .db()
    .all<{ uuid: string; state: string; heldFor: string }>(
      'SELECT uuid, state, held_for AS heldFor FROM commands',
    )
  return Object.fromEntries(
    rows.map((row) => [row.uuid, row.state === 'held' ? `held ${row.heldFor}` : row.state]),
  )
}
