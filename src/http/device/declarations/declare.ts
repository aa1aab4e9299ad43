import type { Context } from 'hono'
import { inTime } from '../../../clock.ts'
import type { Config } from '../../../config/config.ts'
import { bodyOf } from '../../../ddm/manifest/body.ts'
import { readReport } from '../../../ddm/status/report.ts'
import type { DeclarationAnswer } from '../../../device/declarations/endpoint.ts'
import { ITSELF } from '../../../device/store/address.ts'
import type { TakenReport } from '../../../device/declarations/status.ts'
import type { Declared, Declares } from '../../../device/enrolment/message.ts'
import { declarationContent } from '../../../directory/declarations/read.ts'
import { storeStates } from '../../../directory/declarations/states.ts'
import { DECLARATION_CHANGED, DEVICE_STATUS } from '../../../events/topics.ts'
import { listenersOf } from '../../../events/webhook.ts'
import { warn } from '../../../log.ts'
import type { CheckIn, Message } from '../../../mdm/message.ts'
import { reasonOf } from '../../../reason.ts'
import type { AppEnv } from '../../app-env.ts'

type Request = Extract<CheckIn, { messageType: 'DeclarativeManagement' }>
type Webhooks = Parameters<typeof listenersOf>[0]

/** How long a device waits for the directory (milliseconds). */
const PATIENCE = 2000
const JSON_TYPE = { headers: { 'content-type': 'application/json' } }
const COME_AGAIN = { 'retry-after': '30' }
/** The part of a report that is kept as it came. */
const KEPT_BYTES = 262_144
const KEPT_OF_MALFORMED = 4096

/** What a request for declarations brings; `undefined` for other messages, and while `DM_URL` serves them. */
export function declaresOf(
  config: Config,
  message: Message,
  webhooks: Webhooks,
): Declares | undefined {
  if (
    message.kind !== 'checkin' ||
    message.messageType !== 'DeclarativeManagement' ||
    config.dmUrl !== ''
  ) {
    return undefined
  }
  const { endpoint, data = new Uint8Array() } = message
  return {
    ...(endpoint === 'status' && { report: reportOf(data) }),
    declarationListeners: listenersOf(webhooks, DECLARATION_CHANGED),
    statusListeners: listenersOf(webhooks, DEVICE_STATUS),
  }
}

function reportOf(data: Uint8Array): TakenReport {
  const reading = readReport(data)
  const kept = reading.kind === 'report' ? KEPT_BYTES : KEPT_OF_MALFORMED
  const text = new TextDecoder().decode(data.subarray(0, kept)).toWellFormed()
  return { reading, text, bytes: data.length }
}

/**
 * Answers a device. A 404 deletes the declaration on the device, so only one that the channel is not offered
 * gets it; a payload that cannot be read is 503, and the device keeps what it has.
 */
export async function answerDeclared(
  c: Context<AppEnv>,
  message: Request,
  declared: Declared,
): Promise<Response> {
  const { device } = message.enrollment
  const { endpoint } = message
  switch (declared.kind) {
    case 'taken':
      return takenReport(c, device, declared)
    case 'json':
      return new Response(declared.text, JSON_TYPE)
    case 'gone':
      return new Response(null, { status: 404 })
    case 'unknown_endpoint':
      warn('ddm:refused', { device, endpoint })
      return new Response(null, { status: 400 })
    case 'body':
      try {
        const text = await payloadFor(c.env.DB, declared)
        if (text !== undefined) {
          return new Response(text, JSON_TYPE)
        }
        warn('ddm:unavailable', { device, endpoint, reason: 'the catalog has lost the content' })
      } catch (error) {
        warn('ddm:unavailable', { device, endpoint, reason: reasonOf(error) })
      }
      return new Response(null, { status: 503, headers: COME_AGAIN })
  }
}

/** The JSON of a declaration that a channel is offered; `undefined` if its content is not kept. */
export async function payloadFor(
  d1: D1Database,
  answer: Extract<DeclarationAnswer, { kind: 'body' }>,
): Promise<string | undefined> {
  const content = await declarationContent(d1, answer.identifier, answer.content)
  return content && bodyOf(content, answer)
}

/**
 * The directory has the states before the device gets its answer: a device whose process died here sends the
 * report again. Without the directory, the device's next message brings them.
 */
async function takenReport(
  c: Context<AppEnv>,
  device: string,
  { channel }: Extract<Declared, { kind: 'taken' }>,
): Promise<Response> {
  if (channel) {
    try {
      await inTime(PATIENCE, storeStates(c.env.DB, [channel]))
    } catch (error) {
      warn('declarations:states-not-stored', { device, reason: reasonOf(error) })
      await c.env.DEVICE.getByName(device).declarations(ITSELF, { kind: 'unstored' })
    }
  }
  return new Response()
}
