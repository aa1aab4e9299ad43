import { get } from '../../api/call.ts'
import type { NameOf } from '../../api/names.ts'
import { useDeviceNames } from '../../api/read-names.ts'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { go, place, withQuery, wordIn } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Section } from '../../kit/facts.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { Tabs } from '../../kit/tabs.tsx'
import { toast } from '../../kit/toast.tsx'
import { composerFor, MOST_PICKED } from '../devices/selection.ts'
import { answersOf, JOB_WORDS, outcomeOf } from './text.ts'

type Outcome = Schema<'Outcome'>

/** The devices of a page are asked for their answers: the API asks forty at most. */
const PAGE = 40
const EACH = 3000
const AFTERWARDS = 15_000
const STATES = ['all', 'waiting', 'done', 'failed'] as const
const LABELS = { all: 'All', waiting: 'Waiting', done: 'Sent', failed: 'Failed' } as const

const columnsOf = (nameOf: NameOf): readonly Column<Outcome>[] => [
  {
    id: 'id',
    label: 'Device',
    cell: ({ id }) => <bdi title={id}>{id === '' ? '(empty)' : nameOf({ id })}</bdi>,
  },
  {
    id: 'outcome',
    width: '11rem',
    label: 'Outcome',
    cell: (outcome) => {
      const { word, tone } = outcomeOf(outcome)
      return <Badge tone={tone}>{word}</Badge>
    },
  },
  {
    id: 'why',
    width: '26rem',
    label: 'Reason',
    cell: ({ error, known }) =>
      error ?? (known === false ? 'no device has enrolled with this id yet' : null),
  },
]

/** What came of each device, with its answer. */
export function Outcomes({ job }: { readonly job: Schema<'Job'> }) {
  const { query } = place.value
  const state = wordIn(query.get('outcome'), STATES, 'all')
  const cursor = query.get('from')
  const counts = { all: job.total, waiting: job.waiting, done: job.done, failed: job.failed }
  return (
    <Section title="Devices" actions={<SelectFailed job={job} />}>
      <Tabs
        label="Outcomes"
        current={state}
        tabs={STATES.map((id) => ({
          id,
          to: withQuery({ outcome: id === 'all' ? undefined : id, from: undefined }),
          label: LABELS[id],
          count: counts[id],
        }))}
      />
      <Page key={`${state} ${cursor} ${job.state}`} job={job} state={state} cursor={cursor} />
    </Section>
  )
}

function Page({
  job,
  state,
  cursor,
}: {
  readonly job: Schema<'Job'>
  readonly state: (typeof STATES)[number]
  readonly cursor: string | null
}) {
  const nameOf = useDeviceNames()
  const read = useRead(
    '/api/jobs/{id}/outcomes',
    {
      path: { id: job.id },
      query: {
        limit: PAGE,
        answers: job.kind === 'command',
        ...(state !== 'all' && { state }),
        ...(cursor !== null && { cursor }),
      },
    },
    { each: job.state === 'running' ? EACH : AFTERWARDS },
  )
  return (
    <Shown read={read}>
      {({ items, next }) =>
        items.length === 0 ? (
          <Empty title={JOB_WORDS.noOutcome[state]} />
        ) : (
          <>
            <p class="answers">
              <span class="dim">{JOB_WORDS.ofPage}</span>{' '}
              {answersOf(items).map(({ word, tone, count }) => (
                <Badge key={word} tone={tone}>
                  {count} {word}
                </Badge>
              ))}
            </p>
            <Table
              label="Outcomes"
              columns={columnsOf(nameOf)}
              rows={items}
              idOf={({ id }) => id}
              to={linkOf}
            />
            <nav class="actions end" aria-label="Pages">
              {cursor !== null && <a href={withQuery({ from: undefined })}>First devices</a>}
              {next !== null && <a href={withQuery({ from: next })}>Next devices</a>}
            </nav>
          </>
        )
      }
    </Shown>
  )
}

function linkOf({ id, command_id: command }: Outcome): string {
  return command === null
    ? `/console/devices/${encodeURIComponent(id)}`
    : `/console/commands/${encodeURIComponent(command)}`
}

/** The failed ones become a selection, for another command or the same. */
function SelectFailed({ job: { id, failed } }: { readonly job: Schema<'Job'> }) {
  if (failed === 0) {
    return null
  }
  const select = async (): Promise<void> => {
    const answer = await get('/api/jobs/{id}/outcomes', {
      path: { id },
      query: { state: 'failed', limit: MOST_PICKED },
    })
    if (answer.ok) {
      const ids = answer.value.items.map((outcome) => outcome.id).filter(Boolean)
      go(composerFor({ kind: 'ids', ids }))
    } else {
      toast({ tone: 'bad', text: answer.fault.detail })
    }
  }
  return (
    <Button onClick={select}>
      {failed <= MOST_PICKED ? JOB_WORDS.selectFailed(failed) : JOB_WORDS.selectFirst(MOST_PICKED)}
    </Button>
  )
}
