import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { go, place, withQuery } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button, needs } from '../../kit/button.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { serverNow } from '../../time/clock.ts'
import { counted } from '../../time/words.ts'
import { Actions, testOf } from './actions.tsx'
import { NewWebhook } from './new-webhook.tsx'
import { nextTry, NO_WEBHOOKS, standingOf, testSentence } from './text.ts'

const LOOKS_AGAIN_AFTER = 15_000

/** Every webhook with its state, and what a receiver that was down needs. */
export default function Webhooks() {
  const read = useRead('/api/webhooks', { query: { limit: 40 } }, { each: LOOKS_AGAIN_AFTER })
  const isAdding = place.value.query.get('add') !== null
  const add = (
    <Button
      tone="main"
      why={needs('config', may('config'))}
      onClick={() => {
        go(withQuery({ add: 'webhook' }))
      }}
    >
      Add webhook…
    </Button>
  )
  return (
    <>
      <header class="bar">
        <h1>Webhooks</h1>
        {add}
      </header>
      <Shown read={read}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No webhook">
              <p>{NO_WEBHOOKS}</p>
            </Empty>
          ) : (
            <ul class="cards webhooks">
              {items.map((one) => (
                <Card key={one.id} of={one} />
              ))}
            </ul>
          )
        }
      </Shown>
      {isAdding && (
        <NewWebhook
          onClose={() => {
            go(withQuery({ add: undefined }), { replace: true })
          }}
        />
      )}
    </>
  )
}

function Card({ of: webhook }: { readonly of: Schema<'Webhook'> }) {
  return (
    <li class="card">
      <h2 class="address">
        <a href={`/console/webhooks/${encodeURIComponent(webhook.id)}`}>{webhook.url}</a>
      </h2>
      <Deliveries of={webhook} />
      <Actions of={webhook} />
    </li>
  )
}

/** How the deliveries of a webhook go, and why not. */
export function Deliveries({ of: webhook }: { readonly of: Schema<'Webhook'> }) {
  const { state, reason, micromdm, deliveries: posts } = webhook
  const [tone, word] = standingOf(webhook)
  return (
    <>
      <p>
        <Badge tone={tone}>{word}</Badge> {micromdm && <span class="dim">· WEBHOOK_URL</span>}
      </p>
      {reason !== null && <p>{reason}</p>}
      {state === 'down' && (
        <p>
          {counted(posts.failures, 'try', 'tries')} in a row failed.{' '}
          {posts.next_try_at !== null && nextTry(posts.next_try_at, serverNow())}
        </p>
      )}
      <LastTest of={webhook} />
      <p class="dim">
        {posts.delivered.toLocaleString('en-GB')} delivered, last{' '}
        <Time at={posts.last_delivered_at} />.{' '}
        {posts.devices_waiting > 0 &&
          `Events of ${counted(posts.devices_waiting, 'device')} wait. `}
        {posts.dead_letters > 0 && `${counted(posts.dead_letters, 'dead letter')}.`}
      </p>
    </>
  )
}

/** A test counts for nothing at the server: what it showed stands here until a delivery shows more. */
function LastTest({ of: { id, deliveries } }: { readonly of: Schema<'Webhook'> }) {
  const last = testOf(id)
  if (!last || Date.parse(deliveries.last_delivered_at ?? '') > Date.parse(last.at)) {
    return null
  }
  return (
    <p>
      <Badge tone={last.answer.state === 'delivered' ? 'good' : 'bad'}>
        Tested <Time at={last.at} />
      </Badge>{' '}
      {testSentence(last.answer)}.
    </p>
  )
}
