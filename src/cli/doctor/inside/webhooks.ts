import { type ApiError, callApi } from '../../api-client.ts'
import { doctorAccess } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'
import { type CheckFault, combineFaults } from '../findings.ts'
import { lacksScope, readServerHealth } from './from-server.ts'

interface ListedWebhook {
  readonly id: string
  readonly url: string
  readonly state: 'active' | 'paused' | 'down' | 'disabled' | 'unreadable'
  readonly reason: string | null
}

interface TestAnswer {
  readonly state: string
  readonly status: number | null
  readonly reason: string | null
}

/** Check 15: each webhook is on, and its receiver takes a test event, which is sent. */
export async function checkWebhooks(context: DoctorContext): Promise<DoctorVerdict> {
  const webhooks = (await listWebhooks(context)).filter(({ state }) => state !== 'disabled')
  const looks = await Promise.all(webhooks.map((webhook) => look(context, webhook)))
  const own = looks.flatMap(({ fault }) => fault ?? [])
  const health = await readServerHealth(context, ['webhooks'])
  // The server names the webhook, of which the test has said more.
  const tested = webhooks.filter((_, place) => looks[place]?.fault).map(({ id }) => id)
  const others = (health.kind === 'known' ? health.faults : []).filter(
    ({ seen }) => !tested.some((id) => seen.includes(id)),
  )
  const faults = [...own, ...others]
  const refusal = looks.find((one) => one.refusal)?.refusal
  if (refusal && faults.length === 0) {
    throw refusal
  }
  const sent = `a test event was sent to ${webhooks.length}, and taken`
  return combineFaults(faults, webhooks.length === 0 ? 'there is no webhook' : sent)
}

interface Look {
  readonly fault?: CheckFault | undefined
  /** The key may not send a test event. */
  readonly refusal?: ApiError
}

async function look(context: DoctorContext, webhook: ListedWebhook): Promise<Look> {
  const fault = stateFault(webhook)
  if (fault) {
    return { fault }
  }
  const path = `/api/webhooks/${webhook.id}/test`
  try {
    const answer: TestAnswer = JSON.parse(
      await callApi(doctorAccess(context), path, { method: 'POST' }),
    )
    return { fault: testFault(webhook, answer) }
  } catch (error) {
    if (lacksScope(error)) {
      return { refusal: error }
    }
    throw error
  }
}

async function listWebhooks(context: DoctorContext): Promise<readonly ListedWebhook[]> {
  const items: ListedWebhook[] = []
  let cursor = ''
  do {
    const path = `/api/webhooks?limit=40${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const page: { items: ListedWebhook[]; next: string | null } = JSON.parse(
      await callApi(doctorAccess(context), path, { method: 'GET' }),
    )
    items.push(...page.items)
    cursor = page.next ?? ''
  } while (cursor !== '')
  return items
}

function stateFault({ id, url, state, reason }: ListedWebhook): CheckFault | undefined {
  switch (state) {
    case 'paused':
      return {
        level: 'warn',
        seen: `the webhook ${id} (${url}) is paused: its events wait`,
        fix: `resume it: POST /api/webhooks/${id}/resume`,
      }
    case 'unreadable':
      return {
        level: 'fail',
        seen: `the webhook ${id} (${url}) cannot be read: ${reason ?? 'its key is lost'}`,
        fix: `give it a new secret: POST /api/webhooks/${id}/secret (docs/webhooks.md)`,
      }
    default:
      return undefined
  }
}

function testFault(
  { id, url }: ListedWebhook,
  { state, status, reason }: TestAnswer,
): CheckFault | undefined {
  const answer =
    status === null
      ? `did not answer a test event: ${reason ?? state}`
      : `answered ${status} to a test event`
  return state === 'delivered'
    ? undefined
    : {
        level: 'fail',
        seen: `the receiver ${url} of the webhook ${id} ${answer}`,
        fix: 'look at the receiver and its log; its events wait for three days (docs/webhooks.md)',
      }
}
