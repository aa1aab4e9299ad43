import { buildAppleCommand, type AppleCommand } from '../../commands/apple.ts'
import { buildCommand } from '../../commands/build.ts'
import { isJsonObject, stringField } from '../../commands/go-fields.ts'
import { readGoJson, type JsonObject } from '../../commands/go-json.ts'
import type { NewCommand, Terms } from '../../device/queue.ts'
import { AdminError } from '../at-device.ts'
import { noMoment, readMoment } from './moment.ts'
import { requestHash } from './request-hash.ts'

/** What `POST /api/devices/{id}/commands` takes, for the document: it is read by MicroMDM's rules, not by a schema. */
export const newCommandBody = {
  required: true,
  content: {
    'application/json': {
      schema: {
        type: 'object' as const,
        description:
          'MicroMDM’s JSON (`request_type` and the fields of the type) or Apple’s keys (`Command` with `RequestType`, optionally `CommandUUID`). Under Apple’s keys, data is base64 where the type is known, and `{"$data": "base64"}` anywhere.',
        properties: {
          request_type: { type: 'string' as const },
          command_uuid: { type: 'string' as const },
          Command: {
            type: 'object' as const,
            properties: { RequestType: { type: 'string' as const } },
          },
          CommandUUID: { type: 'string' as const },
          not_before: { type: 'string' as const, format: 'date-time' },
          expires_at: { type: 'string' as const, format: 'date-time' },
        },
      },
      examples: {
        micromdm: {
          value: { request_type: 'DeviceInformation', queries: ['OSVersion', 'SerialNumber'] },
        },
        apple: {
          value: { Command: { RequestType: 'DeviceInformation', Queries: ['OSVersion'] } },
        },
        scheduled: {
          value: {
            request_type: 'RestartDevice',
            not_before: '2099-11-24T22:00:00Z',
            expires_at: '2099-11-25T04:00:00Z',
          },
        },
      },
    },
  },
}

const newUUID = (): string => crypto.randomUUID()

/** A command in MicroMDM's JSON or under Apple's keys, for the enrolment `id` or for many. @throws AdminError, GoFieldError */
export function readCommand(json: JsonObject, id: string | undefined): AppleCommand {
  const udid = stringField(json, 'udid', 'body')
  if (udid !== undefined && udid !== id) {
    throw new AdminError(
      id === undefined
        ? 'command.udid: a command to many names nobody itself, `ids` does'
        : `udid says ${udid}, and the command would go to ${id}: leave it out`,
      400,
    )
  }
  if (json['Command'] !== undefined && json['request_type'] !== undefined) {
    throw new AdminError(
      'the body has both `request_type` and `Command`: send MicroMDM’s JSON or Apple’s keys, and leave the other out',
      400,
    )
  }
  const built =
    json['Command'] === undefined
      ? buildCommand({ ...json, udid: id ?? 'many' }, newUUID)
      : buildAppleCommand(json, newUUID)
  if (!built.ok) {
    throw new AdminError(built.plain ?? built.error, 400)
  }
  return built
}

/** A request to queue a command on the enrolment `id`. @throws AdminError for what cannot be sent, GoFieldError */
export function readNewCommand(
  id: string,
  bytes: Uint8Array,
  repeat: { readonly requestKey: string; readonly apiKey: string },
): NewCommand {
  const { requestKey, apiKey } = repeat
  const json = readObject(new TextDecoder().decode(bytes))
  const { commandUUID: uuid, requestType, payload, secret, source } = readCommand(json, id)
  const terms: Terms = {
    ...window(json),
    requestKey,
    requestHash: requestKey === '' ? '' : requestHash(apiKey, bytes),
  }
  return { uuid, requestType, payload, secret, source, terms }
}

function readObject(text: string): JsonObject {
  const read = readGoJson(text)
  if (read.ok && isJsonObject(read.value)) {
    return read.value
  }
  const at = read.ok ? 0 : read.at
  throw new AdminError(
    read.ok || text.trim() === ''
      ? 'the body has to be a JSON object, such as {"request_type":"DeviceInformation"}'
      : at >= text.length
        ? 'the body is no JSON: it ends too early'
        : `the body is no JSON: ${JSON.stringify(text.charAt(at))}, its character ${at + 1}, is out of place`,
    400,
  )
}

/**
 * When a command may go out. Milliseconds; 0 stands for none. Whether that has passed, the device says, which knows
 * of a request that came in time and is repeated. @throws AdminError
 */
export function window(body: JsonObject): { notBefore: number; expiresAt: number } {
  const notBefore = Math.max(0, momentAt(body, 'not_before') ?? 0)
  const expiresAt = momentAt(body, 'expires_at')
  if (expiresAt !== undefined && expiresAt <= notBefore) {
    throw new AdminError('expires_at has to lie ahead, and behind not_before', 400)
  }
  return { notBefore, expiresAt: expiresAt ?? 0 }
}

function momentAt(body: JsonObject, name: string): number | undefined {
  const text = stringField(body, name, 'body') || undefined
  const ms = text === undefined ? undefined : readMoment(text)
  if (text !== undefined && ms === undefined) {
    throw new AdminError(`${name}: ${noMoment(text)}`, 400)
  }
  return ms
}
