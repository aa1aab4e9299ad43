import { useRead } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge, Meter } from '../../../kit/badge.tsx'
import { counted } from '../../../time/words.ts'
import { countsOf } from './text.ts'

/** Counting reads the whole fleet: a list of policies does it once a minute. */
const COUNTS_AGAIN_AFTER = 60_000

/** How far the devices of a policy are. */
export function ProgressOf({ id }: { readonly id: string }) {
  const { value, fault } = useRead(
    '/api/software-updates/{id}',
    { path: { id } },
    { each: COUNTS_AGAIN_AFTER },
  ).state.value
  if (!value?.progress) {
    return <span class="dim">{fault ? 'not known' : '…'}</span>
  }
  return <Counts of={value.progress} />
}

export function Counts({
  of: progress,
}: {
  readonly of: NonNullable<Schema<'SoftwareUpdateDetail'>['progress']>
}) {
  const { devices, overdue } = progress
  const { reached } = progress.states
  if (devices === 0) {
    return <span class="dim">No device fits</span>
  }
  const words = `${reached.toLocaleString('en-GB')} of ${counted(devices, 'device')} reached`
  return (
    <span class="counts">
      <Meter value={reached} of={devices} label={words} /> {words}
      {countsOf(progress)
        .filter(({ state }) => state !== 'reached')
        .map(({ state, count, word, tone }) => (
          <Badge key={state} tone={tone}>
            {count.toLocaleString('en-GB')} {word.toLowerCase()}
          </Badge>
        ))}
      {overdue > 0 && <Badge tone="bad">{overdue.toLocaleString('en-GB')} overdue</Badge>}
    </span>
  )
}
