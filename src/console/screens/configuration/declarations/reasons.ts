/** Reasons that devices give (Apple: "StatusReason"), in words and with what to do: docs/declarations.md. */

import type { Schema } from '../../../api/types.ts'

/** What a code means, and what to do. */
export interface KnownReason {
  readonly words: string
  readonly fix: string
}

const PREDICATE = 'Correct the predicate of the activation.'
const ASSET =
  'Check that the device reaches the URL of the asset, and that its size and hash are right.'
const NEWER = 'Update the OS of the device, or take the device out of the set.'
const PAYLOAD = 'Correct the payload: the device’s own words name the fault.'

const KNOWN: Readonly<Record<string, KnownReason>> = {
  'Error.ConfigurationIsInvalid': { words: 'The device refuses the payload', fix: PAYLOAD },
  'Error.InvalidPayload': { words: 'The device refuses the payload', fix: PAYLOAD },
  'Error.ConfigurationCannotBeApplied': {
    words: 'The payload is right, and the device cannot apply it now',
    fix: 'Look for another declaration or a profile that sets the same, and at its assets. Then re-send it.',
  },
  'Error.ConfigurationNotSupported': {
    words: 'This OS or this enrolment does not have it',
    fix: NEWER,
  },
  'Error.UnknownDeclarationType': { words: 'The OS does not know the type', fix: NEWER },
  'Error.UnknownPayloadKeys': {
    words: 'The OS does not know a key of the payload',
    fix: 'Take the key out of the payload, or update the OS of the device.',
  },
  'Error.MissingConfigurations': {
    words: 'The device does not have a configuration that the activation names',
    fix: 'Put that configuration into a set of the device too.',
  },
  'Error.MissingAssets': {
    words: 'The device does not have an asset that the configuration names',
    fix: 'Put that asset into a set of the device too.',
  },
  'Error.AssetCannotBeDownloaded': { words: 'The device cannot download the asset', fix: ASSET },
  'Error.AssetCannotBeVerified': {
    words: 'The file of the asset is not the one that the declaration names',
    fix: ASSET,
  },
  'Error.PredicateFailed': { words: 'The predicate failed', fix: PREDICATE },
  'Error.UnableToParsePredicate': {
    words: 'The device cannot read the predicate',
    fix: PREDICATE,
  },
  'Error.UnableToEvaluatePredicate': {
    words: 'The device has no value for the predicate',
    fix: PREDICATE,
  },
  'Info.NotReferencedByActivation': {
    words: 'No activation names it',
    fix: 'Put an activation that names it into a set of the device.',
  },
  'Info.NotReferencedByConfiguration': {
    words: 'No configuration names it',
    fix: 'Put a configuration that names it into a set of the device.',
  },
  'Info.Predicate': { words: 'The predicate of the activation is false', fix: '' },
}

/**
 * A code in words. The code of a withheld declaration is the server's own sentence. Of an unknown code only
 * the device's own words tell more.
 */
export function reasonIn(code: string | null): KnownReason {
  if (code === null) {
    return { words: 'The device gives no reason', fix: '' }
  }
  const known = Object.hasOwn(KNOWN, code) ? KNOWN[code] : undefined
  if (known) {
    return known
  }
  const isSentence = code.includes(' ')
  return {
    words: isSentence ? capital(code) : code,
    fix: isSentence ? '' : 'Read the device’s own words.',
  }
}

/** Whether the details of a reason say more than its description. */
export function saysMore({ description, details }: Schema<'DeclarationReason'>): boolean {
  const said: readonly unknown[] =
    typeof details === 'object' && details !== null ? Object.values(details) : [details]
  return details !== null && said.some((value) => value !== description)
}

/** Whether words stand in the place of the code, so that the code itself is shown too. */
export function isInWords(code: string | null): code is string {
  return code !== null && Object.hasOwn(KNOWN, code)
}

/** A text as the beginning of a sentence. A name such as iOS keeps its letters. */
export function capital(text: string): string {
  return /^[a-z]+(?![A-Za-z])/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
}

const FOR_NONE = 'no device is in its sets'

/** A warning of the server as a sentence. One of them is for programs: it names a call. */
export function warningWords(warning: string): string {
  return warning.startsWith(FOR_NONE)
    ? `${capital(FOR_NONE)}. Add devices to one under Sets, or give one a rule.`
    : `${capital(warning)}.`
}
