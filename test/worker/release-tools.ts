import { buildCommand } from '../../src/commands/build.ts'
import { splitEnrollmentId } from '../../src/mdm/enrollment.ts'
import type { BulkBody } from './job-tools.ts'
import { api, env } from './server.ts'

const TYPES = {
  InstallProfile: { payload: btoa('<plist version="1.0"><dict/></plist>') },
  RemoveProfile: { identifier: 'com.example.wifi' },
  EraseDevice: {},
  ProfileList: {},
}

/** Queues a command as it comes from another server. @returns its id; its CommandUUID is `uuid` */
export async function moved(
  id: string,
  uuid: string,
  type: keyof typeof TYPES = 'InstallProfile',
): Promise<string> {
  const request = { udid: id, command_uuid: uuid, request_type: type, ...TYPES[type] }
  const built = buildCommand(request, () => uuid)
  if (!built.ok) {
    throw new Error(built.error)
  }
  const { device, user } = splitEnrollmentId(id)
  const { requestType, payload, secret } = built
  const command = { uuid, requestType, payload, secret, source: '', heldFor: 'moved' as const }
  const answer = await env.DEVICE.getByName(device).enqueue({ user, bare: false }, command)
  if (answer.kind !== 'queued') {
    throw new Error(`not queued: ${answer.kind}`)
  }
  return answer.id
}

/** The held commands of an enrolment, oldest first. */
export async function heldAt(id: string): Promise<{ command_uuid: string; held_for: string }[]> {
  const { body } = await api<{ items: { command_uuid: string; held_for: string }[] }>(
    'GET',
    `/api/devices/${id}/commands?state=held`,
  )
  return body.items.toReversed()
}

/** A job that releases commands of a moved fleet. */
export const releaseMany = (body: object) => api<BulkBody>('POST', '/api/commands/release', body)

/** The release of one enrolment's held commands. */
export const releaseAt = (id: string, filter?: unknown) =>
  api<{ released: number; held: number; detail?: string }>(
    'POST',
    `/api/devices/${id}/commands/release`,
    filter,
  )
