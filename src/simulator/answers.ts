import { arrayAt, isDict, stringAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import { type Installed, readProfile } from './installed.ts'
import type { Hardware } from './platforms.ts'
import { asDocumented, documentedResponse, supports, type Where } from './request-types.ts'
import { PLAUSIBLE_VALUES } from './values.ts'

/** What a device knows about itself and the channel that a command came by. */
export interface AnswerContext {
  readonly where: Where
  readonly hardware: Hardware
  readonly name: string
  readonly udid: string
  readonly serial: string
  readonly token: Uint8Array
  readonly identity: { readonly commonName: string; readonly certificate: Uint8Array }
  readonly installed: Installed
  readonly now: Date
}

/** The report of a device that does what it is told, the Error of one that cannot, or CommandFormatError for mistyped keys. */
export function defaultAnswer(
  requestType: string,
  command: PlistDict,
  context: AnswerContext,
): PlistDict {
  const supported = supports(requestType, context.where)
  if (supported !== 'yes') {
    return supported === 'unknown'
      ? errorReport('MCMDMErrorDomain', 12021, `“${requestType}” is not a valid request type.`)
      : errorReport('MCMDMErrorDomain', 12021, `“${requestType}” is not supported here.`)
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

/** An Error report as Apple's devices word it (spec/apple-protocol.md §2.3). */
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
  return documentedResponse(requestType, context.where, valuesOf(context), context.now)
}

function valuesOf(context: AnswerContext): PlistDict {
  const { hardware, name, udid } = context
  const hostName = name.replaceAll(/[^A-Za-z0-9]+/g, '-')
  return {
    ...PLAUSIBLE_VALUES,
    BuildVersion: hardware.buildVersion,
    DeviceID: udid,
    DeviceName: name,
    HostName: `${hostName}.local`,
    IsMultiUser: context.where.scope.startsWith('shared'),
    IsUserEnrollment: context.where.userEnrollment,
    LocalHostName: hostName,
    Model: hardware.model,
    ModelName: hardware.modelName,
    ModelNumber: hardware.model,
    OSVersion: hardware.osVersion,
    ProductName: hardware.productName,
    ProvisioningUDID: udid,
    PushToken: context.token,
    SerialNumber: context.serial,
    SoftwareUpdateDeviceID: hardware.productName,
    UDID: udid,
  }
}

/** Devices leave out queries that they do not know or may not answer; without a list they answer all. */
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

/** An app ordered by store id or manifest has a bundle identifier that only the download would tell. */
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
  const item: PlistDict = Array.isArray(sample) && isDict(sample[0]) ? sample[0] : {}
  const identifiers = arrayAt(command, 'Identifiers')
  const managedOnly = command['ManagedAppsOnly'] === true
  const list = [...context.installed.applications]
    .filter(([identifier]) => identifiers === undefined || identifiers.includes(identifier))
    .filter(([, application]) => application.managed || !managedOnly)
    .map(([identifier, { name }]) => named(item, identifier, name))
  return { Status: 'Acknowledged', InstalledApplicationList: list }
}

function named(item: PlistDict, identifier: string, name: string): PlistDict {
  return { ...item, Identifier: identifier, Name: name }
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

/** Apple's schema has one dictionary here; devices send an array with one result per setting. */
function applySettings(command: PlistDict): PlistDict {
  const results = (arrayAt(command, 'Settings') ?? []).map(settingResult)
  return { Status: 'Acknowledged', Settings: results }
}

function settingResult(setting: PlistValue): PlistDict {
  const item = isDict(setting) ? stringAt(setting, 'Item') : undefined
  const identifier = isDict(setting) ? stringAt(setting, 'Identifier') : undefined
  return {
    ...(item === undefined ? {} : { Item: item }),
    ...(identifier === undefined ? {} : { Identifier: identifier }),
    Status: 'Acknowledged',
  }
}
