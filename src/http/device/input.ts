import { hash } from 'node:crypto'
import type { Context } from 'hono'
import type { DeviceInput } from '../../device/enrolment/message.ts'
import {
  COMMAND_DEFERRED,
  ENROLLMENT_CONTESTED,
  IDENTITY_CONFLICT,
  topicOf,
} from '../../events/topics.ts'
import { listenersOf } from '../../events/webhook.ts'
import { inBackground } from '../../guard.ts'
import type { Message } from '../../mdm/message.ts'
import { beginsRound } from '../../mdm/queue.ts'
import { mayBeginSetup } from '../../setup/begin.ts'
import { knownWebhooks } from '../../webhooks/settings.ts'
import type { AppEnv } from '../app-env.ts'
import { takeStored } from './announce.ts'
import { calledUrl, firstValues } from './called-url.ts'
import { declaresOf } from './declarations/declare.ts'
import type { Signer } from '../../identity/accepted-cas.ts'

const NOTHING = new Uint8Array()

/** A message as the object of its device takes it. */
export async function inputOf(
  c: Context<AppEnv>,
  message: Message,
  body: Uint8Array,
  signer: Signer,
): Promise<DeviceInput> {
  const { config } = c.var
  const webhooks = await knownWebhooks(c.env, config, (work) => {
    inBackground(c.executionCtx, work)
  })
  const status = statusOf(message)
  const listeners = listenersOf(webhooks, topicOf(message), status)
  const declares = declaresOf(config, message, webhooks)
  const isLight = declares ?? (message.kind === 'report' && beginsRound(message))
  return {
    message: forObject(message),
    body: isLight && listeners?.length === 0 ? NOTHING : body,
    eventId: crypto.randomUUID(),
    url: calledUrl(c),
    params: firstValues(c.req.url),
    fingerprint: signer.fingerprint,
    listeners,
    conflictListeners: listenersOf(webhooks, IDENTITY_CONFLICT),
    deferredListeners: listenersOf(webhooks, COMMAND_DEFERRED, status),
    contestListeners: listenersOf(webhooks, ENROLLMENT_CONTESTED),
    lists: isEnrolling(message),
    listed: takeStored(message.enrollment.device),
    digest: digestOf(message, signer),
    ...(declares && { declares }),
    ...((await mayBeginSetup(c.env, message)) && { setup: true }),
  }
}

/**
 * Identifies an Authenticate or CheckOut by its signed content, to recognise a captured one that is sent
 * again. Signatures of one content can differ, so they are no part of the digest.
 */
function digestOf(message: Message, { signed }: Signer): string | undefined {
  const counts =
    message.kind === 'checkin' &&
    (message.messageType === 'Authenticate' || message.messageType === 'CheckOut')
  return counts && signed ? hash('sha256', signed, 'hex') : undefined
}

/** The others change the row rarely. A CheckOut is not sent again if its answer is lost. */
function isEnrolling(message: Message): boolean {
  return (
    message.kind === 'checkin' &&
    (message.messageType === 'Authenticate' || message.messageType === 'TokenUpdate')
  )
}

function statusOf(message: Message): string | undefined {
  return message.kind === 'report' ? message.status : undefined
}

/** The object does not need the data for the server of declarations, and an RPC has at most 32 MiB. */
function forObject(message: Message): Message {
  return message.kind === 'checkin' && message.messageType === 'DeclarativeManagement'
    ? { ...message, data: undefined }
    : message
}
