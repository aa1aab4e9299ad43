/** What answers are made of: the values of the device, and Apple's schema filled with them. */
import type { PlistDict } from '../../../plist/value.ts'
import { nextUpdate, type OperatingSystem } from '../os.ts'
import type { Hardware } from '../platforms.ts'
import { ADMIN_GUID, madeAccount, type SetupAssistant } from '../setup.ts'
import type { InstalledItems } from './installed.ts'
import { documentedResponse, type Where } from './responses.ts'
import { ABSENT_ON_APPLE_SILICON, CELLULAR_KEYS, PLAUSIBLE_VALUES, VALUES_IN } from './values.ts'

/** The values that a device knows about itself and the channel of a command. */
export interface AnswerContext {
  readonly where: Where
  readonly hardware: Hardware
  readonly os: OperatingSystem
  readonly name: string
  readonly udid: string
  readonly serial: string
  readonly token: Uint8Array
  readonly identity: { readonly commonName: string; readonly certificate: Uint8Array }
  readonly installed: InstalledItems
  readonly setup: SetupAssistant
  readonly now: Date
}

/** A device's answer to one request type. */
export type Behaviour = (command: PlistDict, context: AnswerContext) => PlistDict

/**
 * An Error report in the words of Apple's devices (Apple: "ErrorChainItem"); of a command, or of one of its
 * settings.
 */
export function errorReport(domain: string, code: number, description: string): PlistDict {
  const item = {
    ErrorCode: code,
    ErrorDomain: domain,
    LocalizedDescription: description,
    USEnglishDescription: description,
  }
  return { Status: 'Error', ErrorChain: [item] }
}

/** The documented answer to a request type, with values of this device. */
export function documented(requestType: string, context: AnswerContext): PlistDict {
  const { where, now } = context
  return documentedResponse(requestType, {
    where,
    values: {
      ...PLAUSIBLE_VALUES,
      ...VALUES_IN[requestType],
      ...valuesOf(context),
      ...(UPDATE_COMMANDS.has(requestType) ? updateValues(context) : {}),
    },
    absent: absentKeys(context),
    now,
  })
}

function absentKeys({ where, hardware }: AnswerContext): ReadonlySet<string> {
  return new Set([
    ...(hardware.cellular ? [] : CELLULAR_KEYS),
    // A token of the user's channel: the device's channel ignores the query (Apple:
    // "DeviceInformationResponse").
    ...(USER_SCOPES.has(where.scope) ? [] : ['PushToken']),
    ...ABSENT_ON_APPLE_SILICON,
  ])
}

const USER_SCOPES: ReadonlySet<Where['scope']> = new Set(['user', 'sharedUser'])

function valuesOf(context: AnswerContext): PlistDict {
  const { hardware, os, name, udid, where } = context
  const hostName = name.replaceAll(/[^A-Za-z0-9]+/g, '-')
  const nextWeek = new Date(context.now.getTime() + 7 * 86_400_000)
  const account = madeAccount(context.setup.memory())
  return {
    AutoSetupAdminAccounts: account ? [{ GUID: ADMIN_GUID, shortName: account.shortName }] : [],
    BuildVersion: os.build,
    CellularTechnology: hardware.cellular ? 3 : 0,
    DeferredUntil: nextWeek,
    DeviceID: udid,
    DeviceName: name,
    ExpiryDate: nextWeek,
    HostName: `${hostName}.local`,
    IsActivationLockManageable: !where.userEnrollment,
    IsMultiUser: where.scope.startsWith('shared'),
    // A User Enrollment never supervises.
    IsSupervised: !where.userEnrollment,
    IsUserEnrollment: where.userEnrollment,
    LocalHostName: hostName,
    Model: where.platform === 'macOS' ? hardware.productName : hardware.model,
    ModelName: hardware.modelName,
    ModelNumber: hardware.model,
    NextScheduledInstall: nextWeek,
    OSVersion: os.version,
    ProductName: hardware.productName,
    ProvisioningUDID: udid,
    PushToken: context.token,
    SerialNumber: context.serial,
    SoftwareUpdateDeviceID: hardware.softwareUpdateId,
    SupplementalBuildVersion: os.build,
    Timestamp: context.now.toISOString(),
    UDID: udid,
  }
}

/** The update that a device offers and reports progress of: the next version of its OS. */
function updateValues({ where: { platform }, os }: AnswerContext): PlistDict {
  const { version, build } = nextUpdate(os)
  return {
    Build: build,
    HumanReadableName: `${platform} ${version}`,
    ProductKey: `MSU_UPDATE_${build}_patch_${version}_minor`,
    ProductName: platform,
    SupplementalBuildVersion: build,
    Version: version,
  }
}

const UPDATE_COMMANDS: ReadonlySet<string> = new Set([
  'AvailableOSUpdates',
  'OSUpdateStatus',
  'ScheduleOSUpdate',
])
