import { signal } from '@preact/signals'
import { every, serverNow } from '../time/clock.ts'
import { absolute, endTone, relative } from '../time/words.ts'
import { Badge } from './badge.tsx'

const HALF_A_MINUTE = 30_000

/** All ages on the screen grow together. */
const now = signal(serverNow())
every(HALF_A_MINUTE, () => {
  now.value = serverNow()
})

/** An age, with the full date in its title. */
export function Time({
  at,
  never = 'never',
}: {
  readonly at: string | null | undefined
  readonly never?: string
}) {
  if (at === null || at === undefined) {
    return <span class="dim">{never}</span>
  }
  const time = Date.parse(at)
  return (
    <time dateTime={at} title={absolute(time)}>
      {relative(time, Math.max(now.value, serverNow()))}
    </time>
  )
}

/** When something ends: amber at 60 days, red at 14. */
export function Ends({ at }: { readonly at: string }) {
  const time = Date.parse(at)
  const present = Math.max(now.value, serverNow())
  return (
    <Badge tone={endTone(time, present)}>
      {time <= present ? 'ended' : 'ends'} <Time at={at} />
    </Badge>
  )
}
