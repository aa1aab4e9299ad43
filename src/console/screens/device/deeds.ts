import { send, type Answer } from '../../api/call.ts'
import { changed } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import { go } from '../../place/router.ts'
import { toast } from '../../kit/toast.tsx'
import { counted } from '../../time/words.ts'
import { LATE_ANSWER } from '../../api/command-words.ts'
import { whyNoUndo, type Losing } from './undo.ts'

/** What one does with a device: each says in a toast what came of it, and how it is taken back. */

type Command = Schema<'Command'>

export function devicePage(id: string): string {
  return `/console/devices/${encodeURIComponent(id)}`
}

/** The form of a command, filled in as it was. */
export function composeAgain({ id, enrollment_id: device, request_type: type }: Command): string {
  return `${devicePage(device)}/command/${type}?from=${encodeURIComponent(id)}`
}

/** Screens read the device and its lists again. */
function deviceChanged(id: string): void {
  changed(`/api/devices/${encodeURIComponent(id)}`)
}

/** Says why a call failed. @returns what it answered */
function said<Value>(answer: Answer<Value>): Value | undefined {
  if (answer.ok) {
    return answer.value
  }
  toast({ tone: 'bad', text: answer.fault.detail })
  return undefined
}

export async function pushNow(id: string): Promise<void> {
  const pushed = said(await send('post', '/api/devices/{id}/push', { path: { id } }))
  if (pushed) {
    toast({ tone: 'good', text: `Pushed: APNs has taken it (${pushed.apns_id}).` })
  }
  deviceChanged(id)
}

export async function refreshInventory(id: string): Promise<void> {
  const list = said(await send('post', '/api/devices/{id}/refresh', { path: { id } }))
  if (list) {
    toast({ text: `Asked for: ${list.items.map((one) => one.request_type).join(', ')}.` })
  }
  deviceChanged(id)
}

export async function renewNow(id: string): Promise<void> {
  if (said(await send('post', '/api/devices/{id}/renew', { path: { id } }))) {
    toast({ text: 'Its renewal profile waits in the queue.' })
  }
  deviceChanged(id)
}

/** The actions on a whole device, by the word in the address of its operation. */
const STANDING = {
  block: 'Blocked. At its next connection it is sent away.',
  unblock: 'Unblocked. It may enrol again.',
  retire: 'It is not pushed any more.',
} as const

export async function changeStanding(id: string, action: keyof typeof STANDING): Promise<void> {
  if (said(await send('post', `/api/devices/{id}/${action}`, { path: { id } }))) {
    toast({
      text: STANDING[action],
      ...(action === 'block' && {
        action: { label: 'Unblock', run: () => changeStanding(id, 'unblock') },
      }),
    })
  }
  deviceChanged(id)
  changed('/api/devices?')
}

export async function removeFromLists(id: string): Promise<void> {
  if (said(await send('delete', '/api/devices/{id}', { path: { id } }))) {
    toast({ text: 'Removed from the lists until it enrols again.' })
    changed('/api/devices')
    go('/console/devices')
  }
}

export async function releaseCommand(command: Command): Promise<void> {
  const path = { id: command.id }
  if (said(await send('post', '/api/commands/{id}/release', { path, body: {} }))) {
    toast({ text: `${command.request_type} goes out now.` })
  }
  deviceChanged(command.enrollment_id)
}

/** Cancels a command at once: one that erases a device must not wait for a toast. Undo queues it again. */
export async function cancelCommand(command: Command, loses: Losing): Promise<void> {
  const { id, request_type: type, hand_outs: given } = command
  if (said(await send('delete', '/api/commands/{id}', { path: { id } }))) {
    const late = given > 0 ? ` ${LATE_ANSWER}` : ''
    const why = whyNoUndo(command, loses)
    toast({
      text: `${type} cancelled.${late}${why === undefined ? '' : ` ${why}`}`,
      ...(why === undefined && { action: { label: 'Undo', run: () => retryAll([command]) } }),
    })
  }
  deviceChanged(command.enrollment_id)
}

/** Cancels all that waits for a device or a user. @param back what Undo brings back, newest first */
export async function clearQueue(id: string, back: readonly Command[]): Promise<void> {
  const done = said(await send('delete', '/api/devices/{id}/commands', { path: { id } }))
  if (done) {
    toast({
      text: `${counted(done.cancelled, 'command')} cancelled.`,
      ...(back.length > 0 && {
        action: { label: 'Undo', run: () => retryAll(back.toReversed()) },
      }),
    })
  }
  deviceChanged(id)
}

/** Queues commands once more, one after the other, so that their order stays. */
export async function retryAll(commands: readonly Command[]): Promise<void> {
  let queued = 0
  for (const { id } of commands) {
    if (!said(await send('post', '/api/commands/{id}/retry', { path: { id } }))) {
      break
    }
    queued++
  }
  const [first] = commands
  if (first && queued > 0) {
    const what = queued === 1 ? first.request_type : counted(queued, 'command')
    toast({ text: `${what} queued again, behind what waits already.` })
    deviceChanged(first.enrollment_id)
  }
}
