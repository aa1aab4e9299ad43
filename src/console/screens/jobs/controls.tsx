import { send } from '../../api/call.ts'
import { changed } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Button, needs } from '../../kit/button.tsx'
import { toast } from '../../kit/toast.tsx'
import { isRoundOf, JOB_WORDS } from './text.ts'

type Steering = '/api/jobs/{id}/pause' | '/api/jobs/{id}/resume' | '/api/jobs/{id}/cancel'

/** Pauses, resumes or ends a job that runs. A halt asks nothing: it is the brake. */
export function Controls({ job }: { readonly job: Schema<'Job'> }) {
  if (job.state !== 'running') {
    return null
  }
  const why = needs('command', may('command'))
  const steer = async (path: Steering, said: string): Promise<void> => {
    const answer = await send('post', path, { path: { id: job.id } })
    toast(answer.ok ? { text: said } : { tone: 'bad', text: answer.fault.detail })
    changed('/api/jobs')
  }
  return (
    <div class="actions">
      {!isRoundOf(job) &&
        (job.paused_at === null ? (
          <Button why={why} onClick={() => steer('/api/jobs/{id}/pause', JOB_WORDS.paused)}>
            Pause
          </Button>
        ) : (
          <Button
            tone="main"
            why={why}
            onClick={() => steer('/api/jobs/{id}/resume', JOB_WORDS.resumed)}
          >
            Resume
          </Button>
        ))}
      <Button
        tone="danger"
        why={why}
        onClick={() => steer('/api/jobs/{id}/cancel', JOB_WORDS.halted)}
      >
        Halt
      </Button>
    </div>
  )
}
