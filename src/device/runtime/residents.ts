/**
 * Device objects that stay in memory under `npm start`, up to a budget (docs/architecture.md §26). Locally
 * all objects of a class share one isolate, so this map has all of them.
 */
interface Resident {
  /** Belongs to one start of the object: after a failure the runtime starts it again under its name. */
  readonly start: object
  readonly end: Promise<void>
  readonly release: () => void
}

/** The longest unused first. */
const residents = new Map<string, Resident>()

/**
 * Notes that an object is in use. A new one begins its stay, which is a call that lasts until
 * {@link endOfStay}; beyond the budget the stays of the longest unused objects end. Without a budget, as in
 * production, the platform alone decides how long an object stays.
 */
export function keepResident(
  name: string,
  start: object,
  budget: number,
  beginStay: () => void,
): void {
  if (budget <= 0) {
    return
  }
  const known = residents.get(name)
  residents.delete(name)
  if (known?.start === start) {
    residents.set(name, known)
    return
  }
  const { promise: end, resolve: release } = Promise.withResolvers<void>()
  residents.set(name, { start, end, release })
  beginStay()
  for (const [longestUnused, resident] of residents) {
    if (residents.size <= budget) {
      return
    }
    residents.delete(longestUnused)
    resident.release()
  }
}

/** Resolves when the budget needs the object's place. */
export async function endOfStay(name: string): Promise<void> {
  await residents.get(name)?.end
}
