import type { Draft, Path } from '../../../composer/draft.ts'
import type { DeviceFacts } from '../../../composer/facts.ts'

/** What the fields of one form share. */
export interface FormProps {
  readonly draft: Draft | undefined
  readonly facts: DeviceFacts
  /** By place: `Updates.0.ProductKey`. */
  readonly faults: ReadonlyMap<string, string>
  readonly put: (path: Path, value: Draft | undefined) => void
}

export function faultAt({ faults }: FormProps, path: Path): string | undefined {
  return faults.get(path.join('.'))
}

export function KeyFault({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : <p class="fault bad">{text}</p>
}

/** A hint as a sentence. */
export function sentence(words: string | undefined): string | undefined {
  return words === undefined || words === ''
    ? undefined
    : `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}
