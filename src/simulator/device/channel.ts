import type { Reported } from '../../ddm/states.ts'
import type { PlistDict } from '../../plist/value.ts'
import { writePlist } from '../../plist/write.ts'
import { type InstalledItems, newInstalledItems } from './answers/installed.ts'
import { installDownloads } from './answers/packages.ts'
import type { Declarative } from './declarations/engine.ts'
import type { DeclareOnChannel } from './declarations/of-device.ts'
import { newUuid, type Random } from './platforms.ts'
import type { EnrolledScope } from './answers/responses.ts'
import {
  type Exchange,
  readReceived,
  type ReceivedCommand,
  runSession,
  type Session,
  type SessionPort,
  statusReported,
} from './session.ts'
import { type ServerAnswer, type Destination, isDelivered, type Wire } from './wire.ts'

export interface SentMessage {
  readonly to: Destination
  readonly body: Uint8Array
  /** Undefined without an answer. */
  readonly status: number | undefined
}

export interface Statistics {
  requests: number
  sessions: number
  /** Requests without an answer, or with one that is not 2xx. */
  failures: number
  /** Delivered reports by their Status, Idle included. */
  readonly reports: Record<string, number>
}

/** What APNs needs to wake one channel. */
export interface PushIdentity {
  readonly token: Uint8Array
  readonly magic: string
}

export interface TokenUpdateFields {
  readonly awaitingConfiguration?: boolean
  readonly unlockToken?: Uint8Array
  /** A new push token, as after a restore; without it the channel's own is sent again. */
  readonly token?: Uint8Array
}

/** The connect interface of a device, and of each of its users. */
export interface SimulatedChannel extends PushIdentity {
  readonly enrollmentId: string
  readonly ids: PlistDict
  readonly scope: EnrolledScope
  readonly installed: InstalledItems
  readonly declarative: Declarative
  readonly received: readonly ReceivedCommand[]
  readonly sent: readonly SentMessage[]
  readonly statistics: Readonly<Statistics>
  tokenUpdate(fields?: TokenUpdateFields): Promise<ServerAnswer>
  checkOut(): Promise<ServerAnswer>
  /** Any check-in message: the channel's ids and these fields. */
  checkIn(messageType: string, fields?: PlistDict): Promise<ServerAnswer>
  /** Sends one report, and returns the server's answer to it. */
  connect(report: PlistDict): Promise<Exchange>
  /**
   * Sends Idle, or the report that could not be delivered last time; then answers every command until the
   * empty body. Then it synchronises its declarations, if that is due.
   */
  poll(): Promise<Session>
  /** A signed PUT of any bytes. */
  send(body: Uint8Array, to: Destination, headers?: Record<string, string>): Promise<ServerAnswer>
  /** Forgets the undelivered report and takes a new PushMagic, as a new enrolment does. */
  reset(): void
}

export interface ChannelOptions {
  readonly wire: Wire
  readonly enrollmentId: string
  readonly ids: PlistDict
  readonly scope: EnrolledScope
  readonly topic: string
  /** Keys of TokenUpdate and of every report, beside the ids. */
  readonly extras: PlistDict
  readonly random: Random
  readonly respond: (
    command: ReceivedCommand,
    channel: SimulatedChannel,
  ) => Promise<PlistDict | 'silence'>
  /** Makes the channel's declarative management. */
  readonly declare: DeclareOnChannel
  readonly push: PushIdentity | undefined
  readonly beforeTokenUpdate: ((channel: SimulatedChannel) => void) | undefined
  /** Called when the channel has applied declarations. */
  readonly applied: ((states: readonly Reported[], channel: SimulatedChannel) => void) | undefined
  /** How many messages and commands are kept. */
  readonly history: number
}

export function createChannel(options: ChannelOptions): SimulatedChannel {
  const { wire, ids, extras, random, topic, history } = options
  const sender = createSender(wire, history, { ...ids, ...extras })
  const push = { ...(options.push ?? { token: random(32), magic: newUuid(random) }) }
  const session: SessionPort = {
    undelivered: undefined,
    isManaged: () => wire.state !== 'unmanaged',
    connect: sender.connect,
    respond: (command) => options.respond(command, channel),
  }
  const installed = newInstalledItems()
  const declarative = options.declare({
    scope: options.scope,
    installed,
    ask: (Endpoint, data) =>
      checkIn('DeclarativeManagement', { Endpoint, ...(data && { Data: data }) }),
    applied: (states) => options.applied?.(states, channel),
  })
  const channel: SimulatedChannel = {
    enrollmentId: options.enrollmentId,
    ids,
    scope: options.scope,
    installed,
    declarative,
    get token() {
      return push.token
    },
    get magic() {
      return push.magic
    },
    ...sender,
    tokenUpdate(fields = {}) {
      push.token = fields.token ?? push.token
      options.beforeTokenUpdate?.(channel)
      return checkIn('TokenUpdate', { ...extras, Topic: topic, ...tokenKeys(push, fields) })
    },
    checkOut() {
      declarative.forget()
      return checkIn('CheckOut', { Topic: topic })
    },
    checkIn,
    poll() {
      sender.statistics.sessions++
      return runWhole(session, declarative, () => installDownloads(installed, download))
    },
    reset() {
      session.undelivered = undefined
      push.magic = newUuid(random)
    },
  }

  function download(url: string): Promise<ServerAnswer> {
    return wire.get(url, false)
  }

  function checkIn(messageType: string, fields: PlistDict = {}): Promise<ServerAnswer> {
    return sender.send(writePlist({ ...ids, ...fields, MessageType: messageType }), 'checkIn')
  }

  return channel
}

/** A session, and what is due after it: downloads, and the synchronisation of declarations. */
async function runWhole(
  port: SessionPort,
  declarative: Declarative,
  install: () => Promise<void>,
): Promise<Session> {
  const session = await runSession(port)
  await install()
  const reason = session.ended === 'failed' ? undefined : await declarative.catchUp()
  if (!port.isManaged()) {
    declarative.forget()
    return { ...session, ended: 'unmanaged' }
  }
  return reason === undefined ? session : { ...session, ended: 'failed', reason }
}

function countReport({ reports }: Statistics, report: PlistDict): void {
  const status = statusReported(report)
  reports[status] = (reports[status] ?? 0) + 1
}

function tokenKeys(push: PushIdentity, fields: TokenUpdateFields): PlistDict {
  const { awaitingConfiguration, unlockToken } = fields
  return {
    Token: push.token,
    PushMagic: push.magic,
    ...(awaitingConfiguration === undefined
      ? {}
      : { AwaitingConfiguration: awaitingConfiguration }),
    ...(unlockToken === undefined ? {} : { UnlockToken: unlockToken }),
  }
}

/** `keys` are those of every report. */
function createSender(wire: Wire, history: number, keys: PlistDict) {
  const received: ReceivedCommand[] = []
  const sent: SentMessage[] = []
  const statistics: Statistics = { requests: 0, sessions: 0, failures: 0, reports: {} }

  async function send(
    body: Uint8Array,
    to: Destination,
    headers: Record<string, string> = {},
  ): Promise<ServerAnswer> {
    statistics.requests++
    let delivery: ServerAnswer | undefined
    try {
      delivery = await wire.put(body, to, headers)
      return delivery
    } finally {
      keep(sent, { to, body, status: delivery?.status }, history)
      statistics.failures += delivery !== undefined && isDelivered(delivery) ? 0 : 1
    }
  }

  async function connect(report: PlistDict): Promise<Exchange> {
    const delivery = await send(writePlist({ ...keys, ...report }), 'connect')
    if (!isDelivered(delivery)) {
      return { ...delivery, command: undefined }
    }
    countReport(statistics, report)
    const command = readReceived(delivery.body)
    if (command !== undefined) {
      keep(received, command, history)
    }
    return { ...delivery, command }
  }

  return { send, sent, received, statistics, connect }
}

function keep<T>(list: T[], item: T, limit: number): void {
  list.push(item)
  if (list.length > limit) {
    list.shift()
  }
}
