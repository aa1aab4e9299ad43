import { clock } from '../clock.ts'
import { wrapMethods } from '../guard.ts'
import { warn } from '../log.ts'
import { OwnError } from '../reason.ts'

/**
 * The form of an object's rows is a number, which a release raises by one at most. Code also reads the form
 * after its own, because that only adds to it (docs/upgrade.md).
 */
const AHEAD = 1
/** The key of that number. Rows without it have the first form. */
const KEY = 'schema'
const FIRST = 1
/** The alarm of an object that waits for newer code. */
const WAIT = 900_000

/** The error of an object whose rows are too new, in src/http/errors.ts too. */
export const ROWS_TOO_NEW =
  'a later release of EdgeMDM has written what is stored here: deploy that release again'

/** The classes that the log has named. */
const named = new Set<string>()

interface Stored {
  readonly ctx: Pick<DurableObjectState, 'storage'>
}

/** A class of objects. `schema` is the form of the rows that its code writes. */
interface ObjectClass {
  readonly prototype: object
  readonly schema: number
}

/**
 * Makes each method of a class refuse an object whose rows are too new to be read, before it reads any. The
 * alarm waits instead: the platform drops one that fails six times. The constructor must read nothing.
 */
export function guardSchema(name: string, { prototype, schema }: ObjectClass): void {
  const known = new WeakSet<Stored>()
  wrapMethods<Stored>(prototype, (method, { object, methodName, values }) => {
    if (!known.has(object)) {
      const { storage } = object.ctx
      const stored = storage.kv.get<number>(KEY) ?? FIRST
      if (methodName === 'alarm' && isTooNew(stored, schema)) {
        return storage.setAlarm(clock.now() + WAIT)
      }
      refuseNewerRows(name, stored, schema)
      known.add(object)
    }
    return method(values)
  })
}

/**
 * The log names each class once, not each of a fleet's calls.
 *
 * @param stored the form of the rows
 * @param made the form that this code writes
 * @throws OwnError when the rows are too new; its callers answer 503, so that devices call again
 */
export function refuseNewerRows(name: string, stored: number, made: number): void {
  if (!isTooNew(stored, made)) {
    return
  }
  if (!named.has(name)) {
    named.add(name)
    warn('schema:newer', { class: name, stored, reads: made + AHEAD })
  }
  throw new OwnError(ROWS_TOO_NEW)
}

function isTooNew(stored: number, made: number): boolean {
  return stored > made + AHEAD
}
