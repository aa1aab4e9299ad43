import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { changed, useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { Badge } from '../../kit/badge.tsx'
import { Shown } from '../../kit/states.tsx'
import { clockTime } from '../../time/words.ts'
import { arrivalsIn } from './arrivals.ts'
import { STEPS } from './text.ts'

type Step = Schema<'EnrollmentStep'>

/** A device is shown within 2 seconds. */
const EACH = 1500
const MOST = 8

/**
 * The newest steps of enrolments while somebody waits for a device.
 *
 * @returns what was read, and the device that came last since the wait began
 */
export function useArrival() {
  const read = useRead('/api/enrollment/steps', {}, { each: EACH })
  const before = useSignal<ReadonlySet<string> | undefined>(undefined)
  const items = read.state.value.value?.items
  useEffect(() => {
    if (items && !before.value) {
      before.value = new Set(items.map(({ id }) => id))
    }
  }, [items, before])
  const arrived = items && before.value ? arrivalsIn(items, before.value)[0] : undefined
  const last = arrived?.id
  useEffect(() => {
    if (last !== undefined) {
      changed('/api/overview')
      changed('/api/devices')
    }
  }, [last])
  const wait = (): void => {
    before.value = new Set(items?.map(({ id }) => id))
  }
  return { read, arrived, wait }
}

export type Arrival = ReturnType<typeof useArrival>

/** How far devices have come, and what to do when one stops. */
export function Steps({ read }: Pick<Arrival, 'read'>) {
  return (
    <>
      <Shown read={read} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="dim">
              No device has asked for a profile lately. The first step shows here by itself.
            </p>
          ) : (
            <ol class="arrival-steps">
              {items.slice(0, MOST).map((step) => (
                <Line key={step.id} step={step} />
              ))}
            </ol>
          )
        }
      </Shown>
      <details>
        <summary>It stops here? What each step says</summary>
        <dl class="help">
          {Object.values(STEPS)
            .slice(0, 3)
            .map(({ label, next }) => (
              <div key={label}>
                <dt>{label}, and nothing more</dt>
                <dd>{next}</dd>
              </div>
            ))}
        </dl>
      </details>
    </>
  )
}

function Line({ step }: { readonly step: Step }) {
  const { tone, label } = STEPS[step.kind]
  return (
    <li>
      <time class="dim" dateTime={step.at}>
        {clockTime(Date.parse(step.at))}
      </time>
      <span>
        <Badge tone={tone}>{label}</Badge>{' '}
        {step.device_id === null ? (
          <span class="dim">{step.detail?.replace(/^.*CN=/, '')}</span>
        ) : (
          <a href={`/console/devices/${encodeURIComponent(step.device_id)}`}>
            {step.detail ?? step.device_id}
          </a>
        )}
      </span>
    </li>
  )
}
