import { AsyncLocalStorage } from 'node:async_hooks'
import { noteWatched, watchedUntil } from './live/watched.ts'

const current = new AsyncLocalStorage<string | undefined>()

/** The id of the request that caused the present work; `undefined` if no request did. */
export function requestId(): string | undefined {
  return current.getStore()
}

/** Does work, and all that follows from it, for a request, or with `undefined` for none. */
export function forRequest<Result>(id: string | undefined, work: () => Result): Result {
  return current.run(id, work)
}

/** The last argument of a call to an object: the id does not cross a call by itself. */
interface Carrier {
  readonly ofRequest: string
  /** Until when the fleet is watched (src/live/watched.ts); absent if no page ever was. */
  readonly watched?: number
}

interface Namespace<Stub> {
  getByName(name: string): Stub
}

/**
 * The objects of a class. Each call carries the id of its request; {@link received} reads it in the object.
 */
export function carrying<Stub extends object>(objects: Namespace<Stub>): Namespace<Stub> {
  return {
    getByName: (name) =>
      new Proxy(objects.getByName(name), {
        get(stub, method) {
          const call: unknown = Reflect.get(stub, method)
          return typeof call === 'function'
            ? (...values: readonly unknown[]): unknown => Reflect.apply(call, stub, carried(values))
            : call
        },
      }),
  }
}

function carried(values: readonly unknown[]): readonly unknown[] {
  const id = requestId()
  if (id === undefined) {
    return values
  }
  const watched = watchedUntil()
  return [...values, { ofRequest: id, ...(watched > 0 && { watched }) } satisfies Carrier]
}

/** Calls a method of an object with its arguments, for the request whose id is the last one. */
export function received<Result>(
  values: readonly unknown[],
  call: (values: readonly unknown[]) => Result,
): Result {
  const last = values.at(-1)
  if (!isCarrier(last)) {
    return call(values)
  }
  noteWatched(last.watched ?? 0)
  return forRequest(last.ofRequest, () => call(values.slice(0, -1)))
}

function isCarrier(value: unknown): value is Carrier {
  return typeof value === 'object' && value !== null && 'ofRequest' in value
}
