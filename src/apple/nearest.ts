import { closestMatch } from 'leven'

/** Nothing that is longer is a slip of the pen, and the distance takes time. */
const MAX_NAME = 64

/** `: did you mean PIN?` for a name that is near to one of those that there are; empty for one that is not. */
export function didYouMean(name: string, names: readonly string[]): string {
  if (name.length > MAX_NAME) {
    return ''
  }
  const lower = name.toLowerCase()
  const candidates = new Map(names.map((one) => [one.toLowerCase(), one]))
  const nearest = closestMatch(lower, [...candidates.keys()], {
    maxDistance: Math.ceil(name.length / 3),
  })
  const meant = nearest === undefined ? undefined : candidates.get(nearest)
  return meant === undefined ? '' : `: did you mean ${meant}?`
}
