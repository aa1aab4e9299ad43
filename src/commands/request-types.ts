import type { CommandType } from './fields.ts'
import { COMMANDS } from './table.ts'

const BY_TYPE: ReadonlyMap<string, CommandType> = new Map(
  COMMANDS.map((entry) => [entry.requestType, entry]),
)

/** The table's row; undefined for a type without a JSON form. Case matters, as in MicroMDM. */
export function commandType(requestType: string): CommandType | undefined {
  return BY_TYPE.get(requestType)
}

/** Every request type that `POST /v1/commands` takes as JSON, in the table's order. */
export function commandTypes(): readonly string[] {
  return [...BY_TYPE.keys()]
}

/**
 * Whether payload and result of the type are sealed at rest, and shown only to an admin who gives a reason.
 * A type that is not in the table counts as secret: its content is unknown.
 */
export function isSecretCommand(requestType: string): boolean {
  return commandType(requestType)?.secret ?? true
}

/** Secret types that a user channel takes, or that on a Mac only a user channel takes. */
const FOR_USERS: ReadonlySet<string> = new Set(['InstallProfile', 'TriggerEnhancedLogCollection'])

/**
 * Whether only a device channel takes the type. Apple defines nearly all secret and destructive types for
 * that channel alone ("Commands and Queries", each command's table of channels).
 */
export function isForDeviceOnly(requestType: string): boolean {
  const isSecret = commandType(requestType)?.secret ?? false
  return isDestructiveCommand(requestType) || (isSecret && !FOR_USERS.has(requestType))
}

/** The keys of a secret command that hold no secret. */
export function openKeys(requestType: string): readonly string[] {
  const fields = commandType(requestType)?.fields ?? []
  return ['RequestType', ...fields.filter(({ secret }) => !secret).map(({ plist }) => plist)]
}

/** The types whose payload stays after the device has answered. */
export const LASTING: readonly string[] = COMMANDS.filter(({ lasting }) => lasting).map(
  ({ requestType }) => requestType,
)

/** In lower case: another spelling must not avoid the confirmation. */
const DESTRUCTIVE: ReadonlySet<string> = new Set(
  COMMANDS.filter(({ destructive }) => destructive).map(({ requestType }) =>
    requestType.toLowerCase(),
  ),
)

/** Whether the type loses data, locks a user out or changes a password. */
export function isDestructiveCommand(requestType: string): boolean {
  return DESTRUCTIVE.has(requestType.trim().toLowerCase())
}

/** The same, or RemoveProfile, which may remove the enrolment profile. */
export function mayBeDestructive(requestType: string): boolean {
  return isDestructiveCommand(requestType) || requestType === 'RemoveProfile'
}
