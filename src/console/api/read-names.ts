import { deviceName, type NameOf } from './names.ts'
import { useRead } from './read.ts'

const NAMED = 200

/** Names devices by the list: those that were seen last. Others go by what the caller knows. */
export function useDeviceNames(): NameOf {
  const read = useRead('/api/devices', { query: { limit: NAMED, sort: '-last_seen_at' } })
  const listed = new Map(read.state.value.value?.items.map((device) => [device.id, device]))
  return (known) => deviceName(listed.get(known.id) ?? known)
}
