import { useRead } from '../../api/read.ts'

/**
 * Whether a command of a type loses something, so that it is asked about before it is sent again. Every type
 * counts as one until the server's list is there.
 */
export function useLosing(): (requestType: string) => boolean {
  const known = useRead('/api/command-types', {}).state.value.value?.items
  return (requestType) =>
    known?.find((one) => one.request_type === requestType)?.destructive ?? true
}
