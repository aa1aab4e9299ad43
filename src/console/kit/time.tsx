import { signal } from '@preact/signals'
import { every, serverNow } from '../time/clock.ts'
import { absolute, endTone, relative } from '../time/words.ts'
import { Badge } from './badge.tsx'

const HALF_A_MINUTE = 30_000

/** All ages on the screen grow together. */
const grown = signal(0)
every(HALF_A_MINUTE, () => {
  grown.value++
})

/** The server's time. What is drawn by it is drawn again when ages grow. */
function present(): number {
  void grown.value
  return serverNow()
}

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
      {relative(time, present())}
    </time>
  )
}

/** When something ends: amber at 60 days, red at 14. */
export function Ends({ at }: { readonly at: string }) {
  const time = Date.parse(at)
  const now = present()
  return (
    <Badge tone={endTone(time, now)}>
      {time <= now ? 'ended' : 'ends'} <Time at={at} />
    </Badge>
  )
}
