import { asDict, requiredDict, requiredString } from '../../plist/dict.ts'
import { tryToRead } from '../../plist/error.ts'
import { readPlist } from '../../plist/read.ts'
import type { PlistDict } from '../../plist/value.ts'
import { type ServerAnswer, isDelivered } from './wire.ts'

export interface ReceivedCommand {
  readonly uuid: string
  readonly requestType: string
  readonly command: PlistDict
  /** The reply, unchanged. */
  readonly raw: Uint8Array
}

/** How one poll ended. */
export interface Session {
  /** `silence`: a command that the device does not answer; `endless`: the server's commands never ended. */
  readonly ended: 'empty' | 'silence' | 'unmanaged' | 'failed' | 'endless'
  /** Reports that reached the server, Idle not counted. */
  readonly answered: number
  /** The last Status that reached the server. */
  readonly lastStatus: string | undefined
  /** Why it failed: the HTTP status or the network error. */
  readonly reason?: string
}

/** A delivered report's answer, or the delivery that failed. */
export interface Exchange extends ServerAnswer {
  /** Undefined when the body is empty or no command can be read from it. */
  readonly command: ReceivedCommand | undefined
}

/** The parts of its channel that a session needs. */
export interface SessionPort {
  /** The report that the server has not confirmed. Devices keep it and begin with it next time. */
  undelivered: PlistDict | undefined
  isManaged(): boolean
  connect(report: PlistDict): Promise<Exchange>
  respond(command: ReceivedCommand): Promise<PlistDict | 'silence'>
}

/** A server that hands out more commands in one session repeats itself; a real device would never stop. */
const SESSION_LIMIT = 10_000

const IDLE: PlistDict = { Status: 'Idle' }

/** Reports Idle, or what is still undelivered, then answers each command until the body is empty. */
export async function runSession(port: SessionPort): Promise<Session> {
  let report = port.undelivered ?? IDLE
  let answered = 0
  let lastStatus: string | undefined
  for (let exchanges = 0; exchanges < SESSION_LIMIT; exchanges++) {
    if (!port.isManaged()) {
      return { ended: 'unmanaged', answered, lastStatus }
    }
    port.undelivered = report === IDLE ? undefined : report
    const reply = await port.connect(report).catch(describeFailure)
    if (typeof reply === 'string' || !isDelivered(reply)) {
      const reason = typeof reply === 'string' ? reply : `HTTP ${reply.status}`
      return { ended: port.isManaged() ? 'failed' : 'unmanaged', answered, lastStatus, reason }
    }
    port.undelivered = undefined
    answered += report === IDLE ? 0 : 1
    lastStatus = statusReported(report)
    if (reply.body.length === 0) {
      return { ended: 'empty', answered, lastStatus }
    }
    const answer =
      reply.command === undefined
        ? { Status: 'CommandFormatError' }
        : await port.respond(reply.command)
    if (answer === 'silence') {
      return { ended: 'silence', answered, lastStatus }
    }
    report = answer
  }
  return { ended: 'endless', answered, lastStatus }
}

/** The command in a reply; undefined for the empty body and for other content. */
export function readReceived(raw: Uint8Array): ReceivedCommand | undefined {
  if (raw.length === 0) {
    return undefined
  }
  return tryToRead(() => {
    const reply = asDict(readPlist(raw))
    const command = requiredDict(reply, 'Command')
    return {
      uuid: requiredString(reply, 'CommandUUID'),
      requestType: requiredString(command, 'RequestType'),
      command,
      raw,
    }
  })
}

/** A report's Status. Scripts may leave it out to test the server. */
export function statusReported(report: PlistDict): string {
  const status = report['Status']
  return typeof status === 'string' ? status : ''
}

/** `fetch failed` is not enough: the reason is in its cause. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error)
  }
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}
