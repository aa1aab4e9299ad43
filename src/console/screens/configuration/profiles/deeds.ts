/** What one does with a profile: at a device, and in the library. */
import { send } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import type { JsonObject } from '../../../composer/draft.ts'
import { base64Of } from '../../../results/base64.ts'
import type { OpenedProfile } from './file.tsx'

interface Install {
  readonly device: string
  readonly bytes: Uint8Array
  /** Of one press: a second try queues nothing twice. */
  readonly key: string
  /** Although the server expects the device to refuse it. */
  readonly force?: boolean
}

/** Queues the profile, and behind it the question what the device has then. @returns why not */
export function installProfile({ device, bytes, key, force }: Install): Promise<Fault | undefined> {
  const command = { RequestType: 'InstallProfile', Payload: base64Of(bytes) }
  return queueBeforeList(device, command, key, force)
}

/** Queues the removal, and the same question. @returns why not */
export function removeInstalled(
  device: string,
  identifier: string,
  key: string,
): Promise<Fault | undefined> {
  return queueBeforeList(device, { RequestType: 'RemoveProfile', Identifier: identifier }, key)
}

/** Commands reach a device in their order, so its list shows what came of the first one. */
async function queueBeforeList(
  id: string,
  Command: JsonObject,
  key: string,
  force = false,
): Promise<Fault | undefined> {
  for (const [n, command] of [Command, { RequestType: 'ProfileList' }].entries()) {
    const answer = await send('post', '/api/devices/{id}/commands', {
      path: { id },
      query: { ...(force && { force: true }) },
      body: { Command: command },
      headers: { 'idempotency-key': `${key} ${n} ${force}` },
    })
    if (!answer.ok) {
      return answer.fault
    }
  }
  changed(`/api/devices/${encodeURIComponent(id)}`)
  return undefined
}

/** Stores a profile in the library, in place of one with its identifier. @returns why not */
export async function saveProfile({ bytes, facts }: OpenedProfile): Promise<Fault | undefined> {
  const answer = await send('put', '/api/profiles/{id}', {
    path: { id: facts.identifier },
    body: { mobileconfig: base64Of(bytes) },
  })
  changed('/api/profiles')
  return answer.ok ? undefined : answer.fault
}
