import { faultsOf } from '../apple/check.ts'
import { commandSchema } from '../apple/schema.ts'
import { writePlist } from '../plist/write.ts'
import { GIVEN, refusedCommand, type BuiltCommand, type RefusedCommand } from './build.ts'
import { placeInCommand } from './exact.ts'
import { GoFieldError, isJsonObject, stringField } from './go-fields.ts'
import type { JsonObject } from './go-json.ts'
import { passObject } from './pass-through.ts'
import { isDestructiveCommand, isSecretCommand } from './request-types.ts'

export type AppleCommand = Omit<BuiltCommand, 'udid' | 'echo'>

/**
 * Turns a command under Apple's own keys, `{"Command": {"RequestType": …}, "CommandUUID": …}`, into one to
 * queue. Every key but null is passed on unchanged. Text is base64 where Apple's schema has data, and
 * `{"$data": "…"}` is data anywhere.
 *
 * @param newUUID returns a lower-case version 4 UUID
 */
export function buildAppleCommand(
  body: JsonObject,
  newUUID: () => string,
): AppleCommand | RefusedCommand {
  try {
    const given = body['Command']
    if (!isJsonObject(given)) throw new GoFieldError('Command has to be an object')
    const requestType = stringField(given, 'RequestType', 'Command') ?? ''
    if (requestType === '') throw new GoFieldError('Command.RequestType is missing')
    const asked = stringField(body, 'CommandUUID', 'body') ?? ''
    const commandUUID = asked.trim() === '' ? newUUID() : asked
    const command = passObject(given, 'Command', {
      type: 'dictionary',
      ...commandSchema(requestType),
    })
    return {
      ok: true,
      commandUUID,
      source: commandUUID === asked ? GIVEN : '',
      requestType,
      command,
      faults: faultsOf(requestType, command).map(placeInCommand),
      payload: writePlist({ Command: command, CommandUUID: commandUUID }),
      secret: isSecretCommand(requestType),
      destructive: isDestructiveCommand(requestType),
    }
  } catch (error) {
    return refusedCommand(error)
  }
}
