import { arrayAt, dictsIn, isDict, stringAt } from '../../../plist/dict.ts'
import { PlistError } from '../../../plist/error.ts'
import type { PlistDict, PlistValue } from '../../../plist/value.ts'
import { nextUpdate, type OperatingSystem } from '../os.ts'
import type { Hardware } from '../platforms.ts'
import { type InstalledItems, readProfile } from './installed.ts'
import {
  asDocumented,
  documentedResponse,
  supports,
  supportsSetting,
  type Where,
} from './responses.ts'
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
  readonly now: Date
}

/**
 * The report of a device that obeys, the Error of one that cannot, or CommandFormatError for mistyped keys.
 */
export function defaultAnswer(
  requestType: string,
  command: PlistDict,
  context: AnswerContext,
): PlistDict {
  const supported = supports(requestType, context.where)
  if (supported !== 'yes') {
    // A device does not know a later or an earlier OS: only `not here` is a type that it knows.
    return supported === 'not here'
      ? errorReport('MCMDMErrorDomain', 12021, `“${requestType}” is not supported here.`)
      : errorReport('MCMDMErrorDomain', 12021, `“${requestType}” is not a valid request type.`)
  }
  try {
    const behaviour = BEHAVIOURS.get(requestType) ?? acknowledge(requestType)
    return behaviour(command, context)
  } catch (error) {
    if (error instanceof PlistError) {
      return { Status: 'CommandFormatError' }
    }
    throw error
  }
}

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

type Behaviour = (command: PlistDict, context: AnswerContext) => PlistDict

/** Request types whose answer depends on the command or on what earlier commands did. */
const BEHAVIOURS: ReadonlyMap<string, Behaviour> = new Map([
  ['CertificateList', listCertificates],
  ['DeviceInformation', answerQueries],
  ['InstallApplication', installApplication],
  ['InstallProfile', installProfile],
  ['InstalledApplicationList', listApplications],
  ['ManagedApplicationList', listManagedApplications],
  ['ProfileList', listProfiles],
  ['RemoveApplication', removeApplication],
  ['RemoveProfile', removeProfile],
  ['Settings', applySettings],
])

function acknowledge(requestType: string): Behaviour {
  return (_command, context) => ({
    Status: 'Acknowledged',
    ...documented(requestType, context),
  })
}

function documented(requestType: string, context: AnswerContext): PlistDict {
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
  return {
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

/** Devices leave out queries that they do not know or may not answer. Without a list they answer all. */
function answerQueries(command: PlistDict, context: AnswerContext): PlistDict {
  const { QueryResponses } = documented('DeviceInformation', context)
  const queries = arrayAt(command, 'Queries')
  if (queries === undefined || !isDict(QueryResponses)) {
    return { Status: 'Acknowledged', QueryResponses: QueryResponses ?? {} }
  }
  const asked = Object.entries(QueryResponses).filter(([key]) => queries.includes(key))
  return { Status: 'Acknowledged', QueryResponses: Object.fromEntries(asked) }
}

function listCertificates(_command: PlistDict, { identity }: AnswerContext): PlistDict {
  const own = { CommonName: identity.commonName, Data: identity.certificate, IsIdentity: true }
  return { Status: 'Acknowledged', CertificateList: [own] }
}

function installProfile(command: PlistDict, { installed }: AnswerContext): PlistDict {
  const profile = readProfile(command['Payload'])
  const identifier = profile && stringAt(profile, 'PayloadIdentifier')
  if (profile === undefined || identifier === undefined) {
    return errorReport('MCProfileErrorDomain', 1000, 'The profile is invalid.')
  }
  installed.profiles.set(identifier, profile)
  return { Status: 'Acknowledged' }
}

function removeProfile(command: PlistDict, { installed }: AnswerContext): PlistDict {
  const identifier = stringAt(command, 'Identifier') ?? ''
  return installed.profiles.delete(identifier)
    ? { Status: 'Acknowledged' }
    : errorReport('MCMDMErrorDomain', 12075, `The profile “${identifier}” is not installed.`)
}

function listProfiles(_command: PlistDict, { installed, where }: AnswerContext): PlistDict {
  const list = [...installed.profiles.values()].map(profileEntry)
  const ProfileList = asDocumented('ProfileList', 'ProfileList', where, list)
  return { Status: 'Acknowledged', ProfileList }
}

function profileEntry(profile: PlistDict): PlistDict {
  return {
    PayloadRemovalDisallowed: false,
    ...profile,
    HasRemovalPasscode: false,
    IsEncrypted: false,
    IsManaged: true,
  }
}

function installApplication(command: PlistDict, { installed }: AnswerContext): PlistDict {
  const identifier = stringAt(command, 'Identifier') ?? storeIdentifier(command)
  installed.applications.set(identifier, { name: identifier, managed: true })
  return { Status: 'Acknowledged', Identifier: identifier, State: 'Managed' }
}

/**
 * An app that is named by store id or manifest gets a made-up bundle identifier: only the download would
 * reveal the real one.
 */
function storeIdentifier(command: PlistDict): string {
  const storeId = command['iTunesStoreID']
  return typeof storeId === 'number' ? `com.example.store.${storeId}` : 'com.example.manifest'
}

function removeApplication(command: PlistDict, { installed }: AnswerContext): PlistDict {
  const identifier = stringAt(command, 'Identifier') ?? ''
  if (installed.applications.get(identifier)?.managed !== true) {
    return errorReport('MCMDMErrorDomain', 12010, `“${identifier}” is not a managed app.`)
  }
  installed.applications.delete(identifier)
  return { Status: 'Acknowledged' }
}

function listApplications(command: PlistDict, context: AnswerContext): PlistDict {
  const sample = documented('InstalledApplicationList', context)['InstalledApplicationList']
  const item = dictsIn(sample)[0] ?? {}
  const identifiers = arrayAt(command, 'Identifiers')
  const managedOnly = command['ManagedAppsOnly'] === true
  const list = [...context.installed.applications]
    .filter(([identifier]) => identifiers === undefined || identifiers.includes(identifier))
    .filter(([, application]) => application.managed || !managedOnly)
    .map(([identifier, { name }]) => named(item, identifier, name))
  return { Status: 'Acknowledged', InstalledApplicationList: list }
}

function named(item: PlistDict, identifier: string, name: string): PlistDict {
  return {
    ...item,
    Identifier: identifier,
    Name: name,
    ...('Path' in item ? { Path: `/Applications/${name}.app` } : {}),
  }
}

function listManagedApplications(command: PlistDict, context: AnswerContext): PlistDict {
  const sample = documented('ManagedApplicationList', context)['ManagedApplicationList']
  const item = isDict(sample) ? (sample['com.example.app'] ?? {}) : {}
  const identifiers = arrayAt(command, 'Identifiers')
  const list = [...context.installed.applications]
    .filter(([, application]) => application.managed)
    .filter(([identifier]) => identifiers === undefined || identifiers.includes(identifier))
    .map(([identifier]) => [identifier, item] as const)
  return { Status: 'Acknowledged', ManagedApplicationList: Object.fromEntries(list) }
}

/** One result for each setting: success for those that the device has, an error for the others. */
function applySettings(command: PlistDict, { where }: AnswerContext): PlistDict {
  const results = (arrayAt(command, 'Settings') ?? []).map((setting) =>
    settingResult(setting, where),
  )
  return { Status: 'Acknowledged', Settings: asDocumented('Settings', 'Settings', where, results) }
}

function settingResult(setting: PlistValue, where: Where): PlistDict {
  const item = isDict(setting) ? stringAt(setting, 'Item') : undefined
  if (!isDict(setting) || item === undefined) {
    return { Status: 'CommandFormatError' }
  }
  const identifier = stringAt(setting, 'Identifier')
  return {
    Item: item,
    ...(identifier === undefined ? {} : { Identifier: identifier }),
    ...(supportsSetting(item, where)
      ? { Status: 'Acknowledged' }
      : errorReport('MCSettingsErrorDomain', 28000, `“${item}” is not a known setting.`)),
  }
}
