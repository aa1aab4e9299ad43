/** Finds command types by a few letters: `devinf` is DeviceInformation. */

interface Sought {
  readonly request_type: string
  readonly description: string
}

/** The types that fit, the best first. Without letters all, in their order. */
export function findTypes<Type extends Sought>(
  types: readonly Type[],
  typed: string,
): readonly Type[] {
  const letters = typed.toLowerCase().replaceAll(/[^a-z\d]/g, '')
  if (letters === '') {
    return types
  }
  return types
    .map((type) => ({ type, rank: rankOf(type, letters) }))
    .filter(({ rank }) => rank < NOT_AT_ALL)
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ type }) => type)
}

const NOT_AT_ALL = 1000

function rankOf({ request_type: name, description }: Sought, letters: string): number {
  const lower = name.toLowerCase()
  if (lower === letters) {
    return 0
  }
  const place = lower.indexOf(letters)
  if (place >= 0) {
    return place === 0 ? 1 : 2
  }
  // The beginnings of words: `devinf`, `di`.
  const words = name.match(/[A-Z]+(?![a-z])|[A-Z][a-z]*|\d+/g) ?? []
  if (
    isOfBeginnings(
      letters,
      words.map((word) => word.toLowerCase()),
    )
  ) {
    return 3
  }
  if (
    description
      .toLowerCase()
      .replaceAll(/[^a-z\d]/g, '')
      .includes(letters)
  ) {
    return 4
  }
  return isWithin(letters, lower) ? 5 : NOT_AT_ALL
}

/** Whether the letters are beginnings of some of the words, in their order. */
function isOfBeginnings(letters: string, words: readonly string[]): boolean {
  if (letters === '') {
    return true
  }
  const [word, ...rest] = words
  if (word === undefined) {
    return false
  }
  for (let n = Math.min(word.length, letters.length); n > 0; n--) {
    if (word.startsWith(letters.slice(0, n)) && isOfBeginnings(letters.slice(n), rest)) {
      return true
    }
  }
  return isOfBeginnings(letters, rest)
}

/** Whether the letters stand in the word in their order, with others between them. */
function isWithin(letters: string, word: string): boolean {
  let at = 0
  for (const letter of word) {
    if (letter === letters[at]) {
      at++
    }
  }
  return at === letters.length
}
