import { useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import { Badge, Meter } from '../../../../kit/badge.tsx'
import { Button, needs } from '../../../../kit/button.tsx'
import { steerRollout } from '../deeds.ts'
import { ROLLOUT_WORDS } from '../text.ts'

const EACH = 15_000

/** How far a staged roll-out is. One that has ended well says nothing. */
export function RolloutNote({ id }: { readonly id: string }) {
  const { value } = useRead('/api/declarations/{id}/rollout', { path: { id } }, { each: EACH })
    .state.value
  if (!value?.rollout_state || value.rollout_percent === null) {
    return null
  }
  const { rollout_percent: percent, rollout_state: state, reason } = value
  const [tone, words] = ROLLOUT_WORDS[state]
  const why = needs('config', may('config'))
  return (
    <div class={`note ${tone === 'bad' ? 'bad' : 'quiet'}`} role="status">
      <p class="job-state">
        <Badge tone={tone}>{words}</Badge>
        <Meter value={percent} of={100} label={`${percent} % of the devices`} />
        <span>{percent} % of the devices have this version. The others keep the one before.</span>
      </p>
      {reason !== null && <p>{reason}</p>}
      <div class="actions">
        {state === 'running' && (
          <Button why={why} onClick={() => steerRollout(id, 'stop')}>
            Stop at {percent} %
          </Button>
        )}
        <Button why={why} onClick={() => steerRollout(id, 'finish')}>
          Finish: all devices now
        </Button>
      </div>
    </div>
  )
}
