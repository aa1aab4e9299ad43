import { live } from '../../api/live.ts'
import { Badge } from '../../kit/badge.tsx'

/** Whether what is shown changes by itself. */
export function LiveBadge() {
  const state = live.value
  return (
    <p class="live" role="status">
      {state === 'live' && <Badge tone="good">Live</Badge>}
      {state === 'not-live' && <Badge tone="warn">Not live: asks every 15 s</Badge>}
    </p>
  )
}
