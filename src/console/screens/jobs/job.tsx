import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { useTitle } from '../../place/title.ts'
import type { ScreenProps } from '../../place/router.ts'
import { Badge, Meter } from '../../kit/badge.tsx'
import { Facts } from '../../kit/facts.tsx'
import { Note, Shown } from '../../kit/states.tsx'
import { Time } from '../../kit/time.tsx'
import { Controls } from './controls.tsx'
import { Outcomes } from './outcomes.tsx'
import { isRoundOf, JOB_WORDS, percent, progressOf, stateOf, titleOf } from './text.ts'

const WHILE_RUNNING = 1500
const AFTERWARDS = 60_000

/** One job: how far it is, what came of it, and its end. */
export default function JobScreen({ names }: ScreenProps) {
  const id = names['id'] ?? ''
  const isRunning = useSignal(true)
  return (
    <>
      <p class="back">
        <a href="/console/jobs">‹ Jobs</a>
      </p>
      <Present
        key={`${id} ${isRunning.value}`}
        id={id}
        each={isRunning.value ? WHILE_RUNNING : AFTERWARDS}
        onJob={({ state }) => {
          isRunning.value = state === 'running'
        }}
      />
    </>
  )
}

function Present({
  id,
  each,
  onJob,
}: {
  readonly id: string
  readonly each: number
  readonly onJob: (job: Schema<'Job'>) => void
}) {
  const read = useRead('/api/jobs/{id}', { path: { id } }, { each })
  const { value } = read.state.value
  useEffect(() => {
    if (value) {
      onJob(value)
    }
  }, [value])
  return (
    <>
      {!value && <h1>Job</h1>}
      <Shown read={read} lines={6}>
        {(job) => <Job job={job} />}
      </Shown>
    </>
  )
}

function Job({ job }: { readonly job: Schema<'Job'> }) {
  const { word, tone } = stateOf(job)
  const round = isRoundOf(job)
  useTitle(titleOf(job))
  return (
    <>
      <header class="bar">
        <h1>{titleOf(job)}</h1>
        <Controls job={job} />
      </header>
      <div class="job-state">
        <Badge tone={tone}>{word}</Badge>
        {!round && <Meter value={job.done + job.failed} of={job.total} label={progressOf(job)} />}
        <span>{progressOf(job)}</span>
        {job.failed > 0 && (
          <Badge tone="bad">
            {job.failed.toLocaleString('en-GB')} failed
            {!round && ` (${percent(job.failed, job.total)})`}
          </Badge>
        )}
      </div>
      {job.reason !== null && <Note tone="bad">{job.reason}</Note>}
      <Facts
        of={[
          ['Began', <Time at={job.created_at} />],
          ...(job.paused_at === null ? [] : [['Paused', <Time at={job.paused_at} />] as const]),
          ...(job.ended_at === null ? [] : [['Ended', <Time at={job.ended_at} />] as const]),
          ...(job.pace === null ? [] : [['Pace', JOB_WORDS.pace(job.pace)] as const]),
          ...(job.stop_at_error_rate === null
            ? []
            : [['Stops', JOB_WORDS.stopAt(job.stop_at_error_rate)] as const]),
          ...(job.answers.answered === 0
            ? []
            : [['Answers', JOB_WORDS.sampled(job.answers.answered, job.answers.failed)] as const]),
          ...(job.command
            ? [['CommandUUID', <code>{job.command.command_uuid}</code>] as const]
            : []),
        ]}
      />
      {round ? <Note>{JOB_WORDS.roundNote}</Note> : <Outcomes job={job} />}
    </>
  )
}
