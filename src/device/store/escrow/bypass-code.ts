/** The code that removes the Activation Lock of a device, out of its answer to ActivationLockBypassCode. */
import { Buffer } from 'node:buffer'
import { SealError } from '../../../pki/seal/seal.ts'
import { textAt } from '../../../plist/dict.ts'
import { tryToRead } from '../../../plist/error.ts'
import { readPlistTop } from '../../../plist/read.ts'
import type { Context } from '../context.ts'
import { archiveKind, loadEscrow, storeEscrow } from './tokens.ts'

const KIND = 'activation_lock_bypass'
const KEY = 'ActivationLockBypassCode'
const TOP_KEYS: ReadonlySet<string> = new Set([KEY])

/** Apple's code has 31 characters. */
const MOST_CHARACTERS = 1000

/**
 * Keeps the code of an acknowledged ActivationLockBypassCode; the one before is archived. After
 * ClearActivationLockBypassCode the code opens nothing, and is archived too.
 */
export function noteBypassCode(context: Context, requestType: string, result: Uint8Array): void {
  if (requestType === 'ClearActivationLockBypassCode') {
    archiveKind(context, KIND)
  }
  if (requestType !== KEY) {
    return
  }
  const code = textAt(tryToRead(() => readPlistTop(result, TOP_KEYS, 'device')) ?? {}, KEY)
  const value = new TextEncoder().encode(code)
  if (code !== '' && code.length <= MOST_CHARACTERS && !isKept(context, value)) {
    archiveKind(context, KIND)
    storeEscrow(context, KIND, value)
  }
}

/** A code that cannot be opened, as its seal key is gone, must not keep the device from answering. */
function isKept(context: Context, value: Uint8Array): boolean {
  try {
    return Buffer.from(loadEscrow(context, KIND) ?? []).equals(value)
  } catch (error) {
    if (error instanceof SealError) {
      return false
    }
    throw error
  }
}
