import { ReadableStream } from 'node:stream/web'
import { setTimeout as sleep } from 'node:timers/promises'
import { causeOf } from '../../api-client.ts'
import { messageOf } from '../../error.ts'
import type { Asked } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { DEVICE_ANSWER, OWN_FAULT, putMessage } from './device-routes.ts'
import { foreignIn } from './front.ts'

const HEADER_KB = 24
const BODY_MB = 4
const CHUNK = ' '.repeat(64 * 1024)
const CHUNKS = (BODY_MB * 1024 * 1024) / CHUNK.length
/** The server reads 1 MB, and refuses a longer body that no device has signed. */
const READ_CHUNKS = 1 + (1024 * 1024) / CHUNK.length
/** It refuses before the end of the body. A proxy that keeps the whole body does not. */
const PAUSE = 2000

/** Check 6: signatures and inventories of any size reach the server. */
export async function checkLargeMessages(context: DoctorContext): Promise<DoctorVerdict> {
  const tries: readonly (readonly [what: string, send: () => Promise<Asked>])[] = [
    [`a header Mdm-Signature of ${HEADER_KB} KB`, () => putSignature(context)],
    [`a body of ${BODY_MB} MB`, () => putBody(context)],
  ]
  for (const [what, send] of tries) {
    const fault = await send().then(
      (answer) => sizeFault(what, answer),
      (error: unknown) => cutOff(what, messageOf(causeOf(error))),
    )
    if (fault) {
      return fault
    }
  }
  return { level: 'ok', seen: tries.map(([what]) => what).join(' and ') }
}

function putSignature(context: DoctorContext): Promise<Asked> {
  const headers = { 'mdm-signature': 'A'.repeat(HEADER_KB * 1024) }
  return putMessage(context, '/mdm/connect', { headers })
}

/** Sends no more once there is an answer: the connection may be closed behind it. */
async function putBody(context: DoctorContext): Promise<Asked> {
  const pause = new AbortController()
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < CHUNKS && !pause.signal.aborted; sent += 1) {
      if (sent === READ_CHUNKS) {
        await sleep(PAUSE, undefined, { signal: pause.signal }).catch(() => undefined)
      }
      yield Buffer.from(CHUNK)
    }
  }
  const init = { body: ReadableStream.from(body()), duplex: 'half' } as const
  return putMessage(
    {
      ...context,
      fetch: async (...request) => {
        const response = await context.fetch(...request)
        pause.abort()
        return response
      },
    },
    '/mdm/connect',
    init,
  )
}

function sizeFault(what: string, answer: Asked): DoctorVerdict | undefined {
  const foreign = foreignIn(answer)
  const { seen, fix } = foreign ?? { seen: `the server answered ${answer.status}`, fix: OWN_FAULT }
  return !foreign && [400, 413].includes(answer.status)
    ? undefined
    : { level: 'fail', seen: `${what}: ${seen}`, want: DEVICE_ANSWER, fix }
}

function cutOff(what: string, reason: string): DoctorVerdict {
  const fix = 'raise the limits of the proxy in front to 64 KB for headers and 20 MB for bodies'
  return { level: 'fail', seen: `${what} got no answer: ${reason}`, want: DEVICE_ANSWER, fix }
}
