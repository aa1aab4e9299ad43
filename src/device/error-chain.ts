import { dictsIn, textAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlistTop } from '../plist/read.ts'
import type { PlistDict } from '../plist/value.ts'

const ERROR_CHAIN: ReadonlySet<string> = new Set(['ErrorChain'])

/** What went wrong, as the device words it, each error before its cause (Apple, "ErrorChainItem"). */
export function errorsIn(report: Uint8Array): readonly string[] {
  try {
    const { ErrorChain: chain } = readPlistTop(report, ERROR_CHAIN, 'device')
    return dictsIn(chain).map(wording).filter(Boolean)
  } catch (error) {
    if (error instanceof PlistError) {
      return []
    }
    throw error
  }
}

function wording(item: PlistDict): string {
  const text = textAt(item, 'USEnglishDescription') || textAt(item, 'LocalizedDescription')
  const { ErrorCode: code } = item
  const number = typeof code === 'number' ? ` ${code}` : ''
  return `${text} (${textAt(item, 'ErrorDomain')}${number})`.trim()
}
