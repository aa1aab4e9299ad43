import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { Meter } from '../../kit/badge.tsx'
import { Section } from '../../kit/facts.tsx'
import { Shown } from '../../kit/states.tsx'
import { jobTitle } from './text.ts'

/** The list begins with the newest. */
const MOST = 10
const EACH = 10_000

/** Jobs that go on now. There is nothing to see when none does. */
export function Running() {
  const read = useRead('/api/jobs', { query: { limit: MOST } }, { each: EACH })
  const { value, fault } = read.state.value
  const running = value?.items.filter(({ state }) => state === 'running') ?? []
  return running.length === 0 && !fault ? null : (
    <Section title="Running now">
      <Shown read={read} lines={1}>
        {() => (
          <ul class="rows">
            {running.map((job) => (
              <Line key={job.id} job={job} />
            ))}
          </ul>
        )}
      </Shown>
    </Section>
  )
}

function Line({ job }: { readonly job: Schema<'Job'> }) {
  const { id, total, done, failed } = job
  const over = done + failed
  const share = total === 0 ? 0 : Math.floor((over / total) * 100)
  return (
    <li>
      <a class="said" href={`/console/jobs/${encodeURIComponent(id)}`}>
        {jobTitle(job)}
      </a>
      <span class="job-progress">
        <Meter value={over} of={total} label={`${over} of ${total} done`} />
        <span class="number">{share} %</span>
        {failed > 0 && <span class="bad">{failed.toLocaleString('en-GB')} refused</span>}
      </span>
    </li>
  )
}
