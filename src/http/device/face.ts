import type { Context } from 'hono'
import type { DeviceAnswer, DeviceInput } from '../../device/enrolment/message.ts'
import type { NewClaim } from '../../device/enrolment/user-claim.ts'
import { offerIfDue } from '../../directory/declarations/offer.ts'
import type { SetupFacts } from '../../device/setup/begin.ts'
import { beginSetupNow, beginSetupOf } from '../../setup/begin.ts'
import { noteSeen } from '../../directory/devices/seen.ts'
import { keepClaim } from '../../directory/devices/users.ts'
import { inBackground } from '../../guard.ts'
import { reasonOf } from '../../reason.ts'
import { attempt, debug, warn } from '../../log.ts'
import { clock } from '../../clock.ts'
import { ProtocolError } from '../../mdm/errors.ts'
import { readMessage, type Message } from '../../mdm/message.ts'
import { type AppEnv, newApp } from '../app-env.ts'
import { beginReading, type BodyReading } from '../body.ts'
import { announce } from './announce.ts'
import { claim, type Unclaimed } from '../../identity/claim-certificate.ts'
import { passOn } from './declarations/pass-on.ts'
import { answerDeclared } from './declarations/declare.ts'
import { inputOf } from './input.ts'
import { readLargeBody, SMALL_BODY_BYTES } from './large-body.ts'
import { noteEnrolment, noteObstacle } from './steps.ts'
import { signerOf } from './signer.ts'
import { noteOutage, noteOwner, noteRefusal, vouch } from './vouch.ts'
import { MDM_PATHS } from '../paths.ts'

const CALLED = 'the id is a user’s too: release the commands that are held for it'
const CONTESTED = 'the enrolment is contested: decide which one is the device'
const COME_AGAIN = { 'retry-after': '30' }

export const deviceFace = newApp()

/** Each path accepts check-ins and reports; the body distinguishes them. */
deviceFace.on('PUT', MDM_PATHS, takeMessage)
deviceFace.on(['GET', 'POST', 'DELETE', 'PATCH'], MDM_PATHS, (c) =>
  c.body(null, 405, { allow: 'PUT' }),
)

type DeviceContext = Context<AppEnv>
type Sender = Pick<Unclaimed, 'signer' | 'path'>

/**
 * One message of a device: signature, property list, one call of its object, answer (docs/micromdm.md). Only
 * a blocked device gets 401, and no device gets 403: a 401 makes a device remove its management profile.
 */
async function takeMessage(c: DeviceContext): Promise<Response> {
  const reading = beginReading(c.req.raw)
  const isSmall = (reading.declared ?? 0) <= SMALL_BODY_BYTES
  const body = isSmall ? await reading.upTo(SMALL_BODY_BYTES) : undefined
  if (body) {
    return takeBody(c, body)
  }
  const taking = takeLarge(c, reading)
  // When the sender disconnects, the runtime ends a request without pending work. This work keeps it alive,
  // so that it always frees its place.
  c.executionCtx.waitUntil(Promise.allSettled([taking]))
  return taking
}

async function takeLarge(c: DeviceContext, reading: BodyReading): Promise<Response> {
  const large = await readLargeBody(c, reading)
  if (!large.ok) {
    return refuse(c, large.status, large.reason)
  }
  try {
    return await takeBody(c, large.body)
  } finally {
    large.leave()
  }
}

async function takeBody(c: DeviceContext, body: Uint8Array): Promise<Response> {
  const signer = signerOf(c, body)
  if (!signer.ok) {
    return refuse(c, 400, signer.reason)
  }
  const vouched = await vouch(c.env, c.var.config, signer)
  if (!vouched.ok) {
    return refuse(c, vouched.status, vouched.reason)
  }
  let message: Message
  try {
    message = readMessage(body)
  } catch (error) {
    if (error instanceof ProtocolError) {
      return refuse(c, 400, error.message)
    }
    throw error
  }
  const { owner } = vouched
  if (owner !== undefined && owner !== message.enrollment.device) {
    return refuse(c, 400, `the certificate belongs to the enrolment ${owner}`, message)
  }
  const began = clock.now()
  const answer = await answerMessage(c, message, body, { signer, path: vouched.path })
  traceMessage(message, answer.status, clock.now() - began)
  return answer
}

/** One line for each message, without what is in it. */
function traceMessage(message: Message, status: number, ms: number): void {
  const { enrollment, kind } = message
  debug('device:message', {
    device: enrollment.device,
    ...(enrollment.user !== '' && { user: true }),
    message: kind === 'checkin' ? message.messageType : message.status,
    status,
    ms,
  })
}

async function answerMessage(
  c: DeviceContext,
  message: Message,
  body: Uint8Array,
  from: Sender,
): Promise<Response> {
  const { signer } = from
  const input = await inputOf(c, message, body, signer)
  const result = await receive(c, message, from, input)
  if (result instanceof Response) {
    return result
  }
  if (result.kind === 'refused') {
    noteRefusal(signer.fingerprint)
    return refuse(c, 400, result.reason, message)
  }
  noteOwner(signer.fingerprint, message.enrollment.device)
  switch (result.kind) {
    case 'blocked':
      return c.body(null, 401)
    case 'unclaimed':
      return refuse(c, 503, 'the object did not accept the claimed certificate', message)
    case 'conflict':
      await announce(c, message, result.news)
      return refuse(c, 503, 'signed by an identity of an earlier enrolment', message)
    case 'full':
      return refuse(c, 503, 'its events fill its storage: webhooks must accept them', message)
    case 'accepted':
      if (result.seen) {
        noteSeen(
          c.env.DB,
          message.enrollment.device,
          c.var.config.lastSeenResolution,
          c.executionCtx,
        )
      }
      await announce(c, message, result.news)
      noteEnrolment(message, result)
      if (result.isOfferDue) {
        offerSoon(c, message.enrollment.device)
      }
      if (result.setupDue) {
        await setUp(c, message, result.setupDue)
      }
      return accepted(c, message, result)
  }
}

/** The device gets its declarations now, or with its next message. */
function offerSoon({ env, executionCtx }: DeviceContext, device: string): void {
  const offering = attempt('declarations:offer-failed', () => offerIfDue(env, device), device)
  inBackground(executionCtx, offering)
}

/**
 * The blueprints of a device that has just enrolled are read before it gets its answer, so that its next
 * message brings the first command. Later they are read beside: the device may have waited long enough.
 */
async function setUp(c: DeviceContext, message: Message, facts: SetupFacts): Promise<void> {
  const { env, executionCtx } = c
  const { device } = message.enrollment
  const begin = message.kind === 'checkin' ? beginSetupNow : beginSetupOf
  const beginning = attempt('setup:not-begun', () => begin(env, device, facts), device)
  if (message.kind === 'checkin') {
    await beginning
  } else {
    inBackground(executionCtx, beginning)
  }
}

async function accepted(
  c: DeviceContext,
  message: Message,
  result: Extract<DeviceAnswer, { kind: 'accepted' }>,
): Promise<Response> {
  if (result.frozen) {
    return new Response()
  }
  if (result.later) {
    return refuse(c, 503, 'it is not known yet whether this is the device', message)
  }
  return (await isFound(c, message, result.claim))
    ? reply(c, message, result)
    : refuse(c, 503, 'the directory cannot keep the claim of the UserID', message)
}

/** The object's answer. A certificate that the object does not know is claimed for it first. */
async function receive(
  c: DeviceContext,
  message: Message,
  { signer, path }: Sender,
  input: DeviceInput,
): Promise<DeviceAnswer | Response> {
  const device = c.env.DEVICE.getByName(message.enrollment.device)
  const first: DeviceAnswer = await device.receive(input)
  if (first.kind !== 'unclaimed') {
    return first
  }
  const { blocked, moved } = first
  const unclaimed = { message, signer, path, url: input.url, blocked, moved }
  const claimed = await claim(c.env, c.var.config, unclaimed, (work) => {
    inBackground(c.executionCtx, work)
  })
  if (claimed.ok) {
    return device.receive({ ...input, claim: claimed.claim, profile: claimed.profile })
  }
  if (claimed.status === 401) {
    return c.body(null, 401)
  }
  if (claimed.status === 503 && !claimed.isMoving) {
    noteOutage()
  } else if (claimed.status !== 503) {
    noteRefusal(signer.fingerprint, claimed.owner)
  }
  return refuse(c, claimed.status, claimed.reason, message)
}

/**
 * Stores a user's claim to its bare UserID before the device gets its answer; without the directory the
 * device must send the message again. The sender chooses the UserID, and it leads only to a row of the
 * sender's own.
 */
async function isFound(
  c: DeviceContext,
  message: Message,
  newClaim: NewClaim | undefined,
): Promise<boolean> {
  if (!newClaim) {
    return true
  }
  const { device } = message.enrollment
  try {
    await keepClaim(c.env.DB, { id: newClaim.user, device, version: newClaim.version })
  } catch (error) {
    warn('directory:unavailable', { reason: reasonOf(error) })
    return false
  }
  await c.env.DEVICE.getByName(device).claimKept(newClaim.user)
  return true
}

function reply(
  c: DeviceContext,
  message: Message,
  { reply: plist, contested, unproven, declared }: Extract<DeviceAnswer, { kind: 'accepted' }>,
): Response | Promise<Response> {
  if (message.kind === 'checkin') {
    switch (message.messageType) {
      case 'DeclarativeManagement':
        if (contested && message.enrollment.user === '') {
          return refuse(c, 503, CALLED, message)
        }
        if (unproven) {
          return refuse(c, 503, CONTESTED, message)
        }
        return declared
          ? answerDeclared(c, message, declared)
          : passOn(c.env, c.var.config, message)
      case 'UserAuthenticate':
        // The server manages no network users: 410 declines this login only.
        return c.body(null, 410)
      case 'GetToken':
        return refuse(c, 400, 'no token service is configured', message)
    }
  }
  return plist
    ? new Response(plist, { headers: { 'content-type': 'text/xml; charset=utf-8' } })
    : new Response()
}

/** Devices read no error bodies; the log has the reason. */
function refuse(
  c: DeviceContext,
  status: 400 | 413 | 503,
  reason: string,
  message?: Message,
): Response {
  const device = message?.enrollment.device
  noteObstacle(message, reason)
  warn('device:refused', { path: c.req.path, status, reason, device })
  return c.body(null, status, status === 503 ? COME_AGAIN : {})
}
