import { useDeviceNames } from '../../api/read-names.ts'
import { useRead } from '../../api/read.ts'
import { Section } from '../../kit/facts.tsx'
import { Shown } from '../../kit/states.tsx'
import { absolute, clockTime } from '../../time/words.ts'
import { linkOf } from '../activity/model.ts'
import { TEXT, wordsOf } from '../activity/text.ts'

const MOST = 8
const EACH = 15_000

/** What happened last in the fleet. */
export function NewestActivity() {
  const read = useRead('/api/activity', { query: { limit: MOST } }, { each: EACH })
  const nameOf = useDeviceNames()
  return (
    <Section title="Newest activity" actions={<a href="/console/activity">All activity</a>}>
      <Shown read={read} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="dim">
              {TEXT.nothing}. {TEXT.since}
            </p>
          ) : (
            <ol class="arrival-steps">
              {items.map((entry) => (
                <li key={entry.id}>
                  <time class="dim" dateTime={entry.at} title={absolute(Date.parse(entry.at))}>
                    {clockTime(Date.parse(entry.at))}
                  </time>
                  <span>
                    <a href={linkOf(entry)}>
                      {entry.device_id === null ? (
                        'Job'
                      ) : (
                        <bdi>{nameOf({ ...entry, id: entry.device_id })}</bdi>
                      )}
                    </a>{' '}
                    {wordsOf(entry)}
                    {entry.actor !== null && <span class="dim"> by {entry.actor}</span>}
                  </span>
                </li>
              ))}
            </ol>
          )
        }
      </Shown>
    </Section>
  )
}
