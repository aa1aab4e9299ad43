import { useSignal } from '@preact/signals'
import { useRead } from '../../../../api/read.ts'
import { Shown } from '../../../../kit/states.tsx'
import { ReasonsSaid } from '../state-line.tsx'

/** What a device itself says of a declaration. It is asked when this is open. */
export function DeviceWords({
  enrollment,
  id,
  code,
  isOpen: isOpenFirst,
}: {
  readonly enrollment: string
  readonly id: string
  /** It stands beside them already. */
  readonly code: string | null
  readonly isOpen: boolean
}) {
  const isOpen = useSignal(isOpenFirst)
  return (
    <details
      class="folded"
      open={isOpen.value}
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open
      }}
    >
      <summary>The device’s own words</summary>
      {isOpen.value && <Asked enrollment={enrollment} id={id} code={code} />}
    </details>
  )
}

function Asked({
  enrollment,
  id,
  code,
}: {
  readonly enrollment: string
  readonly id: string
  readonly code: string | null
}) {
  const read = useRead('/api/devices/{id}/declarations', { path: { id: enrollment } })
  return (
    <Shown read={read} lines={1}>
      {({ declarations }) => (
        <ReasonsSaid of={declarations.find((one) => one.id === id)?.reasons ?? []} known={code} />
      )}
    </Shown>
  )
}
