import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Shown } from '../../kit/states.tsx'
import { Attention } from './attention.tsx'
import { FirstRun } from './first-run.tsx'
import { FleetPart } from './fleet.tsx'
import { NewestActivity } from './newest.tsx'
import { Running } from './running.tsx'

const EACH = 30_000

/** What needs somebody, what goes on, and how the fleet stands. An empty server shows how to begin. */
export default function Overview() {
  const read = useRead('/api/overview', {}, { each: EACH })
  const { value } = read.state.value
  if (value && isFirstRun(value)) {
    return (
      <>
        <h1>Overview</h1>
        <FirstRun />
      </>
    )
  }
  return (
    <>
      <h1>Overview</h1>
      <Shown read={read} lines={6}>
        {(overview) => <Attention of={overview} />}
      </Shown>
      {/* Without the scope each part would say the same once more. */}
      {may('read') && (
        <>
          <Running />
          {value?.devices && <FleetPart of={value.devices} />}
          <NewestActivity />
        </>
      )}
    </>
  )
}

/** No device has ever enrolled here. */
function isFirstRun({ devices }: Schema<'Overview'>): boolean {
  return devices !== null && devices.by_state.enrolled + devices.by_state.checked_out === 0
}
