import type { Schema } from '../../api/types.ts'
import { Facts, Section } from '../../kit/facts.tsx'
import { Time } from '../../kit/time.tsx'
import { counted } from '../../time/words.ts'

/** The settings of a webhook as the server holds them. */
export function Settings({ of: webhook }: { readonly of: Schema<'Webhook'> }) {
  const { topics, statuses, secrets, header_names: headers, deliveries } = webhook
  return (
    <>
      <Section title="What is posted">
        <Facts
          of={[
            ['Topics', topics.map((topic) => <code key={topic}>{topic} </code>)],
            ['Statuses', statuses === null ? 'All' : statuses.join(', ')],
            ['Tokens', webhook.redact_tokens ? 'Removed from payloads' : 'Posted with payloads'],
            [
              'Signature',
              secrets.length === 0 ? (
                'None'
              ) : (
                <>
                  {counted(secrets.length, 'secret')}, the newest since{' '}
                  <Time at={secrets[0]?.since} />
                </>
              ),
            ],
            ['Headers', headers.length === 0 ? 'None' : headers.join(', ')],
            ['Authorization', webhook.authorization ? 'A user and password' : 'None'],
          ]}
        />
      </Section>
      <Section title="Pace">
        <Facts
          of={[
            ['At once', `${deliveries.posts_allowed} of ${webhook.concurrency} posts`],
            [
              'A minute',
              webhook.posts_per_minute === null ? 'No limit' : `${webhook.posts_per_minute} posts`,
            ],
            [
              'Old Idle',
              webhook.max_idle_age_seconds === null
                ? 'Posted whatever its age'
                : `Dropped after ${counted(webhook.max_idle_age_seconds, 'second')}`,
            ],
          ]}
        />
      </Section>
    </>
  )
}
