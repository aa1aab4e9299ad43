import { useRead } from '../../api/read.ts'
import type { Losing } from '../device/undo.ts'

/** Every type counts as one that loses something until the server's list is there. */
export function useLosing(): Losing {
  const known = useRead('/api/command-types', {}).state.value.value?.items
  return (requestType) => {
    const type = known?.find((one) => one.request_type === requestType)
    if (type?.destructive !== false) {
      return 'destructive'
    }
    return type.loses === null ? undefined : 'command'
  }
}
