import { moveRecords } from '../../jobs/move/devices.ts'
import { log } from '../../log.ts'
import { ProtocolError } from '../../mdm/errors.ts'
import { readMessage, type Message } from '../../mdm/message.ts'
import { recordOfMessage } from '../../migration/check-ins.ts'
import type { AppContext } from '../app-env.ts'
import { readBody } from '../body.ts'
import { RequestError } from '../request-error.ts'

/** Two tokens at most, in base64, and a few short keys. */
const MAX_MESSAGE_BYTES = 1_000_000

/**
 * Takes a check-in message that a device once sent to another server. It becomes a part of the device's
 * record, and never resets or overwrites what the device did here. The message has no certificate, so the
 * device is unproven until a binding or an admin vouches for one (docs/security.md).
 */
export async function takeMessage(c: AppContext): Promise<Response> {
  const body = await readBody(c.req.raw, MAX_MESSAGE_BYTES)
  if (body === undefined) {
    throw new RequestError(`a message has at most ${MAX_MESSAGE_BYTES} bytes`, 413)
  }
  const message = messageIn(body)
  const read = recordOfMessage(message)
  if (!read.ok) {
    throw new RequestError(read.fault, 400)
  }
  const { id } = read.record
  const [answer] = await moveRecords(c.env, [read.record])
  if (!answer?.moved) {
    throw new RequestError(`the object of ${id} does not answer just now: try again`, 503)
  }
  const { outcome, odd, changed } = answer.moved
  if (outcome === 'contested') {
    throw new RequestError(`${id}: ${odd.join('; ')}`, 'enrollment_contested')
  }
  log('move:replayed', {
    device: id,
    ...(message.enrollment.user !== '' && { user: true }),
    message: message.kind === 'checkin' ? message.messageType : undefined,
    changed,
  })
  return c.body(null, 200)
}

function messageIn(body: Uint8Array): Message {
  try {
    return readMessage(body)
  } catch (error) {
    if (error instanceof ProtocolError) {
      throw new RequestError(`this is no check-in message: ${error.message}`, 400)
    }
    throw error
  }
}
