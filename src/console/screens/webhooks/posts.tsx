import type { NameOf } from '../../api/names.ts'
import { useDeviceNames } from '../../api/read-names.ts'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { go, place, withQuery, wordIn } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Choice } from '../../kit/field.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { Table, type Column } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { POST_STATES } from './text.ts'

type Post = Schema<'Post'>

const LOOKS_AGAIN_AFTER = 15_000
const STATES = ['', 'delivered', 'refused', 'down'] as const

const columnsOf = (nameOf: NameOf): readonly Column<Post>[] => [
  { id: 'topic', label: 'Topic', cell: ({ topic }) => <code>{topic}</code> },
  {
    id: 'state',
    label: 'Outcome',
    cell: ({ state, status, reason }) => {
      const [tone, word] = POST_STATES[state]
      return (
        <>
          <Badge tone={tone}>
            {word}
            {status !== null && ` (${status})`}
          </Badge>{' '}
          {reason !== null && <span class="dim">{reason}</span>}
        </>
      )
    },
  },
  {
    id: 'device',
    label: 'Device',
    isWide: true,
    cell: ({ device_id: id }) => <bdi title={id}>{nameOf({ id })}</bdi>,
  },
  {
    id: 'attempt',
    label: 'Try',
    isNumber: true,
    isWide: true,
    cell: ({ attempt, replay }) => `${attempt}${replay ? ', replay' : ''}`,
  },
  {
    id: 'took',
    label: 'Took',
    isNumber: true,
    isWide: true,
    cell: ({ latency_ms: took }) => `${took.toLocaleString('en-GB')} ms`,
  },
  { id: 'at', label: 'When', cell: ({ at }) => <Time at={at} /> },
]

/** The newest tries, each with the receiver's answer. */
export function Posts({ id }: { readonly id: string }) {
  const state = wordIn(place.value.query.get('state'), STATES, '')
  const nameOf = useDeviceNames()
  const read = useRead(
    '/api/webhooks/{id}/posts',
    { path: { id }, query: { limit: 100, ...(state !== '' && { state }) } },
    { each: LOOKS_AGAIN_AFTER },
  )
  return (
    <>
      <Choice
        label="Outcome"
        value={state}
        none="All"
        of={Object.entries(POST_STATES).map(([word, [, text]]) => [word, text] as const)}
        onChoose={(word) => {
          go(withQuery({ state: word }), { replace: true })
        }}
      />
      <Shown read={read}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={state === '' ? 'Nothing was posted yet' : 'No post has this outcome'} />
          ) : (
            <Table
              label="Newest posts"
              columns={columnsOf(nameOf)}
              rows={items}
              idOf={({ event_id: event, attempt, at }) => `${event} ${attempt} ${at}`}
              to={({ device_id: device }) => `/console/devices/${encodeURIComponent(device)}`}
            />
          )
        }
      </Shown>
    </>
  )
}
