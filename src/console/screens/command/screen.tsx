import { useRead } from '../../api/read.ts'
import { useTitle } from '../../place/title.ts'
import type { ScreenProps } from '../../place/router.ts'
import { Shown } from '../../kit/states.tsx'
import { CommandCard } from './card.tsx'
import { useCommand } from './use-command.ts'

/** One command. */
export default function Command({ names: { id = '' } }: ScreenProps) {
  const read = useCommand(id)
  const device = id.slice(0, id.lastIndexOf('.'))
  const type = read.state.value.value?.request_type
  const named = useRead('/api/devices/{id}', { path: { id: device } }).state.value.value
  useTitle(type)
  return (
    <>
      <p class="crumbs">
        <a href={`/console/devices/${encodeURIComponent(device)}`}>
          ‹ {named?.device_name || named?.serial_number || device}
        </a>
      </p>
      <h1>{type ?? 'Command'}</h1>
      <Shown read={read} lines={6}>
        {(command) => <CommandCard of={command} />}
      </Shown>
    </>
  )
}
