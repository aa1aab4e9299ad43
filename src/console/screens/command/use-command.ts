import { useEffect } from 'preact/hooks'
import { get } from '../../api/call.ts'
import { useRead, type Read } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { after } from '../../time/clock.ts'

export type CommandDetail = Schema<'CommandDetail'>

/** The longest wait for an answer in one call, in seconds. The first ones are short, to show each step. */
const LONGEST = 30
const AFTER_A_FAULT = 5000

/** A command, read again at each step until it has ended. */
export function useCommand(id: string): Read<CommandDetail> {
  const read = useRead('/api/commands/{id}', { path: { id } })
  const { value } = read.state.value
  const isOpen = value !== undefined && value.ended_at === null
  useEffect(() => {
    if (!isOpen) {
      return
    }
    const abort = new AbortController()
    void follow(id, abort.signal, read.again)
    return () => {
      abort.abort()
    }
  }, [id, isOpen])
  return read
}

async function follow(id: string, signal: AbortSignal, again: () => void): Promise<void> {
  for (let wait = 1; !signal.aborted; wait = Math.min(wait * 2, LONGEST)) {
    const answer = await get('/api/commands/{id}', { path: { id }, query: { wait }, signal })
    if (signal.aborted) {
      return
    }
    if (answer.ok) {
      again()
    } else {
      await new Promise<void>((resolve) => {
        after(AFTER_A_FAULT, resolve)
      })
    }
  }
}
