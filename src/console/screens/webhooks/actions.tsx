import { signal } from '@preact/signals'
import { send } from '../../api/call.ts'
import { changed } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Button, needs } from '../../kit/button.tsx'
import { heard, toast } from '../../kit/toast.tsx'
import { serverNow } from '../../time/clock.ts'
import { counted } from '../../time/words.ts'
import { testSentence } from './text.ts'

type Webhook = Schema<'Webhook'>

interface Test {
  readonly answer: Schema<'TestWebhookAnswer'>
  /** ISO 8601. */
  readonly at: string
}

/** The last test of each webhook, as long as this page is open. */
const tests = signal<ReadonlyMap<string, Test>>(new Map())

export function testOf(id: string): Test | undefined {
  return tests.value.get(id)
}

/** What brings the deliveries of a webhook back. */
export function Actions({ of: { id, state, deliveries } }: { readonly of: Webhook }) {
  const why = needs('config', may('config'))
  const isActive = state === 'active' || state === 'down' || state === 'paused'
  return (
    <div class="actions">
      {isActive && (
        <Button why={why} onClick={() => test(id)}>
          Send test
        </Button>
      )}
      {/* Of a receiver that is down it ends the wait for the next try. */}
      {(state === 'paused' || state === 'down') && (
        <Button tone="main" why={why} onClick={() => setPaused(id, false)}>
          Resume
        </Button>
      )}
      {isActive && state !== 'paused' && (
        <Button why={why} onClick={() => setPaused(id, true)}>
          Pause
        </Button>
      )}
      {deliveries.dead_letters > 0 && (
        <Button why={why} onClick={() => retryAll(id)}>
          Retry {counted(deliveries.dead_letters, 'dead letter')}
        </Button>
      )}
    </div>
  )
}

async function test(id: string): Promise<void> {
  const answer = await send('post', '/api/webhooks/{id}/test', { path: { id } })
  if (heard(answer)) {
    const { value } = answer
    const at = new Date(serverNow()).toISOString()
    tests.value = new Map([...tests.value, [id, { answer: value, at }]])
    toast({ text: testSentence(value), tone: value.state === 'delivered' ? 'good' : 'bad' })
  }
  changed('/api/webhooks')
}

async function setPaused(id: string, isPaused: boolean): Promise<void> {
  const answer = isPaused
    ? await send('post', '/api/webhooks/{id}/pause', { path: { id } })
    : await send('post', '/api/webhooks/{id}/resume', { path: { id } })
  if (heard(answer)) {
    toast({
      text: isPaused
        ? 'Webhook paused: events wait in their devices'
        : 'Webhook resumed: what waited is posted now',
      ...(isPaused && { action: { label: 'Resume', run: () => setPaused(id, false) } }),
    })
  }
  changed('/api/webhooks')
}

/** The API takes up to 40 with each call, and says how many are left. */
async function retryAll(id: string): Promise<void> {
  let retried = 0
  for (;;) {
    const answer = await send('post', '/api/dead-letters/retry', { body: { webhook_id: id } })
    if (!heard(answer)) {
      break
    }
    retried += answer.value.retried
    if (answer.value.left === 0 || answer.value.retried + answer.value.gone === 0) {
      toast({ text: `${counted(retried, 'dead letter')} retried, for 3 more days` })
      break
    }
  }
  changed('/api/webhooks')
  changed('/api/dead-letters')
}
