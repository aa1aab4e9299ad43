/** What a configuration profile holds, as far as its text shows it. The server reads it properly. */

export interface ProfileFacts {
  readonly name: string
  readonly identifier: string
  readonly payloads: readonly string[]
  readonly isSigned: boolean
}

/** A signed profile has its plist inside, in clear (RFC 5652); a longer file is no profile. */
const MOST = 5_000_000

/** @returns `undefined` for bytes without a profile in them */
export function profileFacts(bytes: Uint8Array): ProfileFacts | undefined {
  if (bytes.length > MOST) {
    return undefined
  }
  const text = new TextDecoder().decode(bytes)
  const identifiers = stringsAfter(text, 'PayloadIdentifier')
  const types = stringsAfter(text, 'PayloadType').filter((type) => type !== 'Configuration')
  if (identifiers.length === 0) {
    return undefined
  }
  return {
    name: stringsAfter(text, 'PayloadDisplayName').at(-1) ?? '',
    identifier: identifiers.at(-1) ?? '',
    payloads: [...new Set(types)],
    isSigned: !text.trimStart().startsWith('<'),
  }
}

/** The keys of a plist are sorted, as a rule: those of the profile itself come last. */
function stringsAfter(text: string, key: string): readonly string[] {
  const pattern = new RegExp(`<key>${key}</key>\\s*<string>([^<]*)</string>`, 'g')
  return [...text.matchAll(pattern)].map(([, value = '']) => unescaped(value))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
}

function unescaped(text: string): string {
  return text.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity)
}
