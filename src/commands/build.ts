import { PlistError } from '../plist/error.ts'
import { didYouMean } from '../apple/nearest.ts'
import type { PlistDict } from '../plist/value.ts'
import { writePlist } from '../plist/write.ts'
import { decodeFields } from './decode.ts'
import { faultsOfRequest, type RequestFault } from './exact.ts'
import type { RequestReading } from './fields.ts'
import { GoFieldError, isJsonObject, stringField } from './go-fields.ts'
import type { JsonObject, JsonValue } from './go-json.ts'
import { commandType, commandTypes } from './request-types.ts'

/** The `source` of a command whose CommandUUID its client chose: others may know that id. */
export const GIVEN = 'given'

/** A command ready to be queued. */
export interface BuiltCommand {
  readonly ok: true
  /** The id that the client addressed: a UDID, UserID or EnrollmentID, not checked. */
  readonly udid: string
  readonly commandUUID: string
  /**
   * {@link GIVEN} when the client chose the CommandUUID. Empty when the server made it: then it is a secret.
   */
  readonly source: string
  readonly requestType: string
  /** `Command` of the payload. */
  readonly command: PlistDict
  /** Faults that Apple's schema finds. MicroMDM's API accepts the command all the same. */
  readonly faults: readonly RequestFault[]
  /** The XML plist for the device. */
  readonly payload: Uint8Array
  /** `payload` of the 201: `{command_uuid, command: {request_type, …}}`. */
  readonly echo: JsonObject
  readonly secret: boolean
  readonly destructive: boolean
}

export interface RefusedCommand {
  readonly ok: false
  /** The text of `{"error": …}`. */
  readonly error: string
  /** The same in the words of our own API, where they differ. */
  readonly plain?: string
}

/** The refusal of a field or value that cannot be sent. Any other error is thrown again. */
export function refusedCommand(error: unknown): RefusedCommand {
  if (error instanceof GoFieldError) {
    return { ok: false, error: error.message, plain: error.plain }
  }
  if (error instanceof PlistError) {
    return { ok: false, error: error.message }
  }
  throw error
}

/** Go's name of the request, for error texts about fields. */
const STRUCT = 'CommandRequest'

/**
 * Turns MicroMDM's JSON into a command. The fields of the type stand beside `udid`, `request_type` and
 * `command_uuid`, and `command_uuid` is kept verbatim unless blank. Names that match no field are faults,
 * and are not sent.
 *
 * @param newUUID returns a lower-case version 4 UUID
 */
export function buildCommand(
  body: JsonValue,
  newUUID: () => string,
  reading: RequestReading = 'micromdm',
): BuiltCommand | RefusedCommand {
  try {
    return build(body, newUUID, reading)
  } catch (error) {
    return refusedCommand(error)
  }
}

function build(
  body: JsonValue,
  newUUID: () => string,
  reading: RequestReading,
): BuiltCommand | RefusedCommand {
  const request = body === null ? {} : body
  if (!isJsonObject(request)) {
    const kind = Array.isArray(request) ? 'array' : typeof request
    throw new GoFieldError(
      `json: cannot unmarshal ${kind === 'boolean' ? 'bool' : kind} into Go value of type mdm.${STRUCT}`,
    )
  }
  const requestType = stringField(request, 'request_type', STRUCT) ?? ''
  const type = commandType(requestType)
  if (type === undefined) {
    return unknownType(requestType)
  }
  const udid = stringField(request, 'udid', STRUCT) ?? ''
  const asked = stringField(request, 'command_uuid', STRUCT) ?? ''
  const { dict, echo } = decodeFields(type.fields, request, { struct: requestType, reading })
  if (udid === '') return { ok: false, error: 'request must contain UDID of the device' }
  const commandUUID = asked.trim() === '' ? newUUID() : asked
  const command = { ...dict, RequestType: requestType }
  return {
    ok: true,
    udid,
    commandUUID,
    source: commandUUID === asked ? GIVEN : '',
    requestType,
    command,
    faults: faultsOfRequest(type, request, command),
    payload: writePlist({ Command: command, CommandUUID: commandUUID }),
    echo: { command_uuid: commandUUID, command: { request_type: requestType, ...echo } },
    secret: type.secret,
    destructive: type.destructive,
  }
}

function unknownType(requestType: string): RefusedCommand {
  const advice =
    didYouMean(requestType, commandTypes()) ||
    ': send a newer one in Apple’s keys, under `Command`, with `force`'
  return {
    ok: false,
    error: `mdm: unknown RequestType: ${requestType}`,
    plain:
      requestType === ''
        ? 'request_type is missing (or Command, with Apple’s keys)'
        : `there is no request_type ${requestType.slice(0, 64)}${advice}`,
  }
}
