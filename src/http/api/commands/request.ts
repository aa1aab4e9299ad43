import type { KeyObject } from 'node:crypto'
import { buildAppleCommand, type AppleCommand } from '../../../commands/apple.ts'
import { MAX_FAULTS, shortened } from '../../../apple/check.ts'
import { didYouMean } from '../../../apple/nearest.ts'
import { buildCommand } from '../../../commands/build.ts'
import type { RequestFault } from '../../../commands/exact.ts'
import { isJsonObject, stringField } from '../../../commands/go-fields.ts'
import { readGoJson, type JsonObject } from '../../../commands/go-json.ts'
import type { NewCommand, Terms } from '../../../device/store/commands/new-command.ts'
import { RequestError, faultAt } from '../../request-error.ts'
import { commandNeeds } from '../../queue/command-needs.ts'
import { requestHash } from '../request-hash.ts'
import { noMoment, readMoment } from '../values.ts'

/** The body of `POST /api/devices/{id}/commands`, for the document: MicroMDM's rules read it. */
export const newCommandBody = {
  required: true,
  content: {
    'application/json': {
      schema: {
        type: 'object' as const,
        additionalProperties: true,
        description:
          'MicroMDM’s JSON (`request_type` and the fields of the type) or Apple’s keys (`Command` with ' +
          '`RequestType`, optionally `CommandUUID`). Under Apple’s keys, write data as base64 if the type ' +
          'is known, or always as `{"$data": "base64"}`.',
        properties: {
          request_type: {
            type: 'string' as const,
            description: 'MicroMDM’s form: the type, such as `DeviceInformation`',
          },
          command_uuid: {
            type: 'string' as const,
            description: 'MicroMDM’s form: an id of your own; the server makes one if left out',
          },
          Command: {
            type: 'object' as const,
            description: 'Apple’s form: the command under Apple’s keys',
            additionalProperties: true,
            properties: {
              RequestType: {
                type: 'string' as const,
                description: 'the type, such as `DeviceInformation`',
              },
            },
          },
          CommandUUID: {
            type: 'string' as const,
            description: 'beside `Command`: an id of your own; the server makes one if left out',
          },
          not_before: {
            type: 'string' as const,
            format: 'date-time',
            description: 'the device does not get it before this time',
          },
          expires_at: {
            type: 'string' as const,
            format: 'date-time',
            description: 'the device does not get it from this time on',
          },
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

/** Any text may be a CommandUUID, and each report repeats it. */
const MAX_UUID = 1000
const newUUID = (): string => crypto.randomUUID()

/** The target of a command, and whether it is queued against Apple's schema or the device's OS. */
interface Meant {
  /** Absent for a command to many devices. */
  readonly id?: string
  readonly force: boolean
}

/** The keys beside the command, in either form. */
const TERMS = ['not_before', 'expires_at']
const OUTSIDE: ReadonlySet<string> = new Set(['udid', ...TERMS])
const ENVELOPE = ['Command', 'CommandUUID', 'udid', ...TERMS]

/** A command in MicroMDM's JSON or under Apple's keys. @throws RequestError, GoFieldError */
export function parseCommand(json: JsonObject, meant: Meant): AppleCommand {
  const { id } = meant
  const udid = stringField(json, 'udid', 'body')
  if (udid !== undefined && udid !== id) {
    throw new RequestError(
      id === undefined
        ? 'command.udid: leave it out, `ids` names the devices'
        : `udid is ${udid}, and the command would go to ${id}: leave it out`,
      400,
    )
  }
  if (json['Command'] !== undefined && json['request_type'] !== undefined) {
    throw new RequestError(
      'the body has both `request_type` and `Command`: send MicroMDM’s JSON or Apple’s keys, and leave the ' +
        'other out',
      400,
    )
  }
  const misnamed = ['RequestType', 'command'].find((key) => Object.hasOwn(json, key))
  if (misnamed && json['Command'] === undefined && !stringField(json, 'request_type', 'body')) {
    throw new RequestError(
      `${misnamed}: Apple’s keys stand in \`Command\`, as in {"Command":{"RequestType":"DeviceInformation"}}`,
      400,
    )
  }
  const built =
    json['Command'] === undefined
      ? buildCommand({ ...withinCommand(json), udid: id ?? 'many' }, newUUID, 'exact')
      : buildAppleCommand(json, newUUID)
  if (!built.ok) {
    throw new RequestError(built.plain ?? built.error, 'invalid_command')
  }
  if (built.commandUUID.length > MAX_UUID) {
    throw faultAt('command_uuid', `has to have at most ${MAX_UUID} characters`)
  }
  const beside = json['Command'] === undefined ? [] : unknownKeys(json)
  refuseFaults(built.requestType, [...beside, ...built.faults.map(misplaced)], meant)
  return built
}

function withinCommand(json: JsonObject): JsonObject {
  const rest = Object.entries(json).filter(([key]) => !OUTSIDE.has(key.toLowerCase()))
  return Object.fromEntries(rest)
}

/** Keys beside `Command` that the body does not have. */
function unknownKeys(json: JsonObject): readonly RequestFault[] {
  return Object.keys(json)
    .filter((key) => !ENVELOPE.includes(key))
    .slice(0, MAX_FAULTS)
    .map((key) => ({
      at: shortened(key),
      detail: `the body takes no such key${didYouMean(key, ENVELOPE)}`,
      isUnread: true,
    }))
}

/** Parameters of the call that clients write into the body by mistake. */
const PARAMETERS: ReadonlySet<string> = new Set(['wait', 'force'])

/** Keys that belong beside `Command`. Inside it, a command for tonight would go out at once. */
const BESIDE: ReadonlySet<string> = new Set(
  [...ENVELOPE, ...PARAMETERS, 'request_type', 'command_uuid'].map((key) => `Command.${key}`),
)

function misplaced(fault: RequestFault): RequestFault {
  return BESIDE.has(fault.at)
    ? { at: fault.at, detail: 'is not a key of a command: put it beside `Command`', isUnread: true }
    : fault
}

/** @throws RequestError that names each place, and how to send the command despite its faults */
function refuseFaults(
  requestType: string,
  faults: readonly RequestFault[],
  { id, force }: Meant,
): void {
  const counted = faults.filter((fault) => fault.isUnread || !force).slice(0, MAX_FAULTS)
  if (counted.length === 0) {
    return
  }
  const errors = counted.map((fault) => ({
    at: id === undefined ? `command.${fault.at}` : fault.at,
    detail: detailOf(fault),
  }))
  const text = errors.map(({ at, detail }) => `${at}: ${detail}`).join('; ')
  const byForce = faults.every(({ isUnread }) => !isUnread)
    ? `${text.endsWith('?') ? '' : '.'} If Apple accepts this, send it with \`force\``
    : ''
  const name = shortened(requestType)
  throw new RequestError(`${name} is not queued: ${text}${byForce}`, 'invalid_command', { errors })
}

function detailOf({ at, detail, isUnread }: RequestFault): string {
  if (isUnread && PARAMETERS.has(at.toLowerCase())) {
    return (
      'is not part of a command: put `?wait=30` or `?force=true` in the URL. In POST /api/commands, put ' +
      '`"force": true` beside `command`'
    )
  }
  return detail.endsWith(' has no such field') ? detail + didYouMean(at, TERMS) : detail
}

/** A request to queue a command on the enrolment `id`. @throws RequestError, GoFieldError if it is invalid */
export function readNewCommand(
  bytes: Uint8Array,
  meant: Meant & { readonly id: string },
  repeat: { readonly requestKey: string; readonly repeatKey: KeyObject },
): NewCommand {
  const { requestKey, repeatKey } = repeat
  const json = readObject(new TextDecoder().decode(bytes))
  const command = parseCommand(json, meant)
  const { commandUUID: uuid, requestType, payload, secret, source } = command
  const terms: Terms = {
    ...window(json),
    requestKey,
    requestHash: requestKey === '' ? '' : requestHash(repeatKey, bytes),
  }
  const needs = meant.force ? undefined : commandNeeds(command, 'refuse')
  return { uuid, requestType, payload, secret, source, terms, needs }
}

function readObject(text: string): JsonObject {
  const read = readGoJson(text)
  if (read.ok && isJsonObject(read.value)) {
    return read.value
  }
  const at = read.ok ? 0 : read.at
  throw new RequestError(
    read.ok || text.trim() === ''
      ? 'the body has to be a JSON object, such as {"request_type":"DeviceInformation"}'
      : at >= text.length
        ? 'the body is no JSON: it ends too early'
        : `the body is no JSON: ${JSON.stringify(text.charAt(at))}, its character ${at + 1}, is out of place`,
    400,
  )
}

/**
 * When a command may go out, in milliseconds; 0 stands for none. A time that has passed is refused by the
 * object of the device, which recognises the repetition of an earlier request. @throws RequestError
 */
export function window(body: JsonObject): { notBefore: number; expiresAt: number } {
  const notBefore = Math.max(0, momentAt(body, 'not_before') ?? 0)
  const expiresAt = momentAt(body, 'expires_at')
  if (expiresAt !== undefined && expiresAt <= notBefore) {
    throw new RequestError('expires_at has to lie ahead, and behind not_before', 400)
  }
  return { notBefore, expiresAt: expiresAt ?? 0 }
}

function momentAt(body: JsonObject, name: string): number | undefined {
  const text = stringField(body, name, 'body')
  const ms = text === undefined ? undefined : readMoment(text)
  if (text !== undefined && ms === undefined) {
    throw faultAt(name, noMoment(text))
  }
  return ms
}
