import { arrayAt, isDict, stringAt } from '../../../plist/dict.ts'
import { PlistError } from '../../../plist/error.ts'
import type { PlistDict, PlistValue } from '../../../plist/value.ts'
import { APP_BEHAVIOURS } from './apps.ts'
import { type AnswerContext, type Behaviour, documented, errorReport } from './context.ts'
import { readProfile } from './installed.ts'
import { asDocumented, supports, supportsSetting, type Where } from './responses.ts'
import { SETUP_BEHAVIOURS } from './setup.ts'

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

/** Request types whose answer depends on the command or on what earlier commands did. */
const BEHAVIOURS: ReadonlyMap<string, Behaviour> = new Map<string, Behaviour>([
  ...APP_BEHAVIOURS,
  ...SETUP_BEHAVIOURS,
  ['CertificateList', listCertificates],
  ['DeviceInformation', answerQueries],
  ['InstallProfile', installProfile],
  ['ProfileList', listProfiles],
  ['RemoveProfile', removeProfile],
  ['Settings', applySettings],
])

function acknowledge(requestType: string): Behaviour {
  return (_command, context) => ({
    Status: 'Acknowledged',
    ...documented(requestType, context),
  })
}

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
