import { closestMatch } from 'leven'

/** A longer name is not a typing error, and the distance takes time. */
const MAX_NAME = 64

/** Shorter beginnings match too many names. */
const MIN_PREFIX = 4

/**
 * `: did you mean PIN?` when one of `names` is near; empty when none is.
 *
 * @param prefix what all names begin with, and neither `name` nor `names` hold
 */
export function didYouMean(name: string, names: readonly string[], prefix = ''): string {
  if (name.length > MAX_NAME) {
    return ''
  }
  const lower = name.toLowerCase()
  const candidates = new Map(names.map((one) => [one.toLowerCase(), one]))
  const longer = [...candidates.keys()].filter((one) => one.startsWith(lower))
  const nearest =
    lower.length >= MIN_PREFIX && longer.length === 1
      ? longer[0]
      : closestMatch(lower, [...candidates.keys()], { maxDistance: Math.ceil(name.length / 3) })
  const meant = nearest === undefined ? undefined : candidates.get(nearest)
  return meant === undefined ? '' : `: did you mean ${prefix}${meant}?`
}
