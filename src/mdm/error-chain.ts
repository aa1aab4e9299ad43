import { dictsIn, textAt } from '../plist/dict.ts'
import { tryToRead } from '../plist/error.ts'
import { readPlistTop } from '../plist/read.ts'
import type { PlistDict } from '../plist/value.ts'

const ERROR_CHAIN: ReadonlySet<string> = new Set(['ErrorChain'])

/** The errors in the device's words, each before its cause (Apple, "ErrorChainItem"). */
export function errorsIn(report: Uint8Array): readonly string[] {
  return chainIn(report).map(wording).filter(Boolean)
}

/** Domain and code of the first error. Its text may name a person or contain parts of the command. */
export function errorCodeIn(report: Uint8Array): string {
  return chainIn(report).map(place).find(Boolean) ?? ''
}

function chainIn(report: Uint8Array): readonly PlistDict[] {
  const top = tryToRead(() => readPlistTop(report, ERROR_CHAIN, 'device'))
  return dictsIn(top?.['ErrorChain'])
}

function wording(item: PlistDict): string {
  const text = textAt(item, 'USEnglishDescription') || textAt(item, 'LocalizedDescription')
  return `${text} (${place(item)})`.trim()
}

function place(item: PlistDict): string {
  const { ErrorCode: code } = item
  const number = typeof code === 'number' ? ` ${code}` : ''
  return `${textAt(item, 'ErrorDomain')}${number}`
}
