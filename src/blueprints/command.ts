/** The commands of steps, made as POST /v1/commands makes them. */
import { buildAppleCommand, type AppleCommand } from '../commands/apple.ts'
import { buildCommand, type RefusedCommand } from '../commands/build.ts'
import { isJsonObject } from '../commands/go-fields.ts'
import { readGoJson, type JsonObject } from '../commands/go-json.ts'
import { expandVariables } from '../ddm/payload/variables.ts'
import type { BlueprintStep } from './blueprint.ts'

/** Nothing reads it: the plan of a device has no other target. */
const TARGET = { udid: 'device' }

/** A command in MicroMDM's JSON. @param newUUID returns a lower-case version 4 UUID */
export function setupCommand(
  request: JsonObject,
  newUUID: () => string,
): AppleCommand | RefusedCommand {
  return buildCommand({ ...request, ...TARGET }, newUUID)
}

/**
 * The command of a step `command`: MicroMDM's JSON or Apple's keys, its variables replaced.
 *
 * @param values the value of each variable that the command has
 * @throws Error if a value is missing
 */
export function commandOfStep(
  command: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, string>>,
  newUUID: () => string,
): AppleCommand | RefusedCommand {
  const read = readGoJson(expandVariables(JSON.stringify(command), values))
  if (!read.ok || !isJsonObject(read.value)) {
    return { ok: false, error: 'has to be an object' }
  }
  return read.value['Command'] === undefined
    ? buildCommand({ ...read.value, ...TARGET }, newUUID, 'exact')
    : buildAppleCommand(read.value, newUUID)
}

/** An administrator account as AccountConfiguration takes it. */
export interface SetupAdmin {
  readonly shortName: string
  readonly longName: string
  readonly hidden: boolean
  /** base64 of the plist (src/blueprints/password.ts). */
  readonly passwordHash: string
}

/** The request of a step `account`, with an administrator or without one. */
export function accountRequest(
  step: Extract<BlueprintStep, { do: 'account' }>,
  admin: SetupAdmin | undefined,
  values: Readonly<Record<string, string>>,
): JsonObject {
  const { full_name: fullName, user_name: userName, lock } = step.primary ?? {}
  const expanded = (text: string): string =>
    JSON.parse(expandVariables(JSON.stringify(text), values))
  return {
    request_type: 'AccountConfiguration',
    ...(step.skip_primary && { skip_primary_setup_account_creation: true }),
    ...(step.regular_user && { set_primary_setup_account_as_regular_user: true }),
    ...(fullName && { primary_account_full_name: expanded(fullName) }),
    ...(userName && { primary_account_user_name: expanded(userName) }),
    ...(lock && { lock_primary_account_info: true }),
    ...(admin && {
      auto_setup_admin_accounts: [
        {
          short_name: admin.shortName,
          full_name: admin.longName,
          password_hash: admin.passwordHash,
          hidden: admin.hidden,
        },
      ],
    }),
  }
}
