import { useState } from 'preact/hooks'
import { useRead } from '../../api/read.ts'
import { Note } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { serverNow } from '../../time/clock.ts'

/** What somebody else has sent to the device since this form was opened: the form stays as it was typed. */
export function Meanwhile({ id }: { readonly id: string }) {
  const [opened] = useState(serverNow)
  const read = useRead(
    '/api/devices/{id}/commands',
    { path: { id }, query: { limit: 1 } },
    { each: 15_000 },
  )
  const [newest] = read.state.value.value?.items ?? []
  if (!newest?.queued_at || Date.parse(newest.queued_at) <= opened) {
    return null
  }
  const { id: command, request_type: type, queued_at: at, queued_by: by } = newest
  return (
    <Note tone="warn">
      Changed meanwhile: <bdi>{by?.actor ?? 'somebody'}</bdi> has queued{' '}
      <a href={`/console/commands/${encodeURIComponent(command)}`}>{type}</a> <Time at={at} />.
    </Note>
  )
}
