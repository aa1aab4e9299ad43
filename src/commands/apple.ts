import { writePlist } from '../plist/write.ts'
import type { PlistValue } from '../plist/value.ts'
import { GIVEN, refusalOf, type BuiltCommand, type RefusedCommand } from './build.ts'
import { bytesField, bytesListField, GoFieldError, isJsonObject, stringField } from './go-fields.ts'
import type { JsonObject, JsonValue } from './go-json.ts'
import { passObject } from './pass-through.ts'
import { commandType, isDestructiveCommand, isSecretCommand } from './table.ts'

export type AppleCommand = Omit<BuiltCommand, 'udid' | 'echo'>

/**
 * Turns a command under Apple's own keys, `{"Command": {"RequestType": …}, "CommandUUID": …}`, into one to queue. Any
 * type is taken, and every key but null is passed on as it is; what the command table knows to be data is base64,
 * and `{"$data": "…"}` is data anywhere.
 *
 * @param newUUID gives a lower-case version 4 UUID
 */
export function buildAppleCommand(
  body: JsonObject,
  newUUID: () => string,
): AppleCommand | RefusedCommand {
  try {
    const command = body['Command']
    if (!isJsonObject(command)) throw new GoFieldError('Command has to be an object')
    const requestType = stringField(command, 'RequestType', 'Command') ?? ''
    if (requestType === '') throw new GoFieldError('Command.RequestType is missing')
    const asked = stringField(body, 'CommandUUID', 'body') ?? ''
    const commandUUID = asked.trim() === '' ? newUUID() : asked
    return {
      ok: true,
      commandUUID,
      source: commandUUID === asked ? GIVEN : '',
      requestType,
      payload: writePlist({ Command: dictOf(command, requestType), CommandUUID: commandUUID }),
      secret: isSecretCommand(requestType),
      destructive: isDestructiveCommand(requestType),
    }
  } catch (error) {
    return refusalOf(error)
  }
}

function dictOf(command: JsonObject, requestType: string): Record<string, PlistValue> {
  const dict = passObject(command, 'Command', dataOf)
  for (const { plist, type } of commandType(requestType)?.fields ?? []) {
    const data =
      type === 'data' && typeof command[plist] === 'string'
        ? bytesField(command, plist, 'Command')
        : undefined
    if (data) {
      dict[plist] = data
    } else if (type === 'datas' && Array.isArray(command[plist])) {
      dict[plist] = [...(bytesListField(command, plist, 'Command') ?? [])]
    }
  }
  return dict
}

/** `{"$data": "base64"}`, and nothing beside it. */
function dataOf(value: JsonValue, name: string): Uint8Array | undefined {
  return isJsonObject(value) && '$data' in value && Object.keys(value).length === 1
    ? bytesField(value, '$data', name)
    : undefined
}
