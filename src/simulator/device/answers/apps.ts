/** Answers to the commands about apps. */
import { arrayAt, dictAt, dictsIn, isDict, stringAt } from '../../../plist/dict.ts'
import type { PlistDict } from '../../../plist/value.ts'
import { type AnswerContext, type Behaviour, documented, errorReport } from './context.ts'

export const APP_BEHAVIOURS: readonly (readonly [requestType: string, Behaviour])[] = [
  ['InstallApplication', installApplication],
  ['InstallEnterpriseApplication', beginDownload],
  ['InstalledApplicationList', listApplications],
  ['ManagedApplicationList', listManagedApplications],
  ['RemoveApplication', removeApplication],
]

function installApplication(command: PlistDict, context: AnswerContext): PlistDict {
  const given = stringAt(command, 'Identifier')
  if (given === undefined && command['iTunesStoreID'] === undefined) {
    const begun = beginDownload(command, context)
    return begun['Status'] === 'Acknowledged' ? { ...begun, State: 'Installing' } : begun
  }
  const identifier = given ?? storeIdentifier(command)
  context.installed.applications.set(identifier, { name: identifier, managed: true })
  return { Status: 'Acknowledged', Identifier: identifier, State: 'Managed' }
}

/** A made-up bundle identifier: only the store knows the real one. */
function storeIdentifier(command: PlistDict): string {
  const storeId = command['iTunesStoreID']
  return `com.example.store.${typeof storeId === 'number' ? storeId : 'unknown'}`
}

/**
 * Answers when the download begins. It ends after the session: only then the app stands in the lists, if
 * the package is what its manifest says.
 */
function beginDownload(command: PlistDict, { installed }: AnswerContext): PlistDict {
  const url = stringAt(command, 'ManifestURL')
  const manifest = dictAt(command, 'Manifest')
  if (url === undefined && manifest === undefined) {
    return { Status: 'CommandFormatError' }
  }
  installed.downloads.push({ ...(url && { url }), ...(manifest && { manifest }) })
  return { Status: 'Acknowledged' }
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
