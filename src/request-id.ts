import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<string | undefined>()

/** The id of the request that caused what is done just now; `undefined` where none did. */
export function requestId(): string | undefined {
  return current.getStore()
}

/** Does some work, and all that follows from it, for a request; for none with `undefined`. */
export function forRequest<Result>(id: string | undefined, work: () => Result): Result {
  return current.run(id, work)
}

/** Behind the arguments of a call to an object: what one process knows, the next has to be told. */
interface Carrier {
  readonly ofRequest: string
}

interface Namespace<Stub> {
  getByName(name: string): Stub
}

/** The objects of a class, whose calls bring the id of their request along; {@link received} takes it there. */
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
  return id === undefined ? values : [...values, { ofRequest: id } satisfies Carrier]
}

/** Calls a method of an object with what came, for the request whose id came behind it. */
export function received<Result>(
  values: readonly unknown[],
  call: (values: readonly unknown[]) => Result,
): Result {
  const last = values.at(-1)
  return isCarrier(last)
    ? forRequest(last.ofRequest, () => call(values.slice(0, -1)))
    : call(values)
}

function isCarrier(value: unknown): value is Carrier {
  return typeof value === 'object' && value !== null && 'ofRequest' in value
}
