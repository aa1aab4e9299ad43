import { prepareConfig, type ClaimEnv } from './config/claim.ts'
import { reportCounts, type FigureEnv } from './figures/report.ts'
import { warn } from './log.ts'
import { reasonOf, safeError } from './reason.ts'
import { received } from './request-id.ts'

/**
 * Makes every method of an object's class run for the request of its caller, and reject with a safe error
 * (docs/architecture.md §22). The runtime logs the text and the stack of every error that an object throws,
 * and passes the text to the caller.
 *
 * @param prepare finds out what the methods have to know; it answers nothing if there is nothing to wait for
 */
export function guardObject(
  { prototype }: { readonly prototype: object },
  prepare = prepareConfig,
): void {
  wrapMethods<Guarded>(prototype, async (method, { object, values }) => {
    const later = laterIn(object.ctx)
    try {
      const waiting = prepare(object.env, later)
      if (waiting) {
        await waiting
      }
      return await received(values, method)
    } catch (error) {
      throw safeError(error)
    } finally {
      reportCounts(object.env, later)
    }
  })
}

interface Guarded {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>
  readonly env: ClaimEnv & FigureEnv
}

/** A call to a method. */
interface MethodCall<Self> {
  readonly object: Self
  readonly methodName: string
  readonly values: readonly unknown[]
}

/** Puts `around` in front of each method of a class. All methods are async: an error is a rejection. */
export function wrapMethods<Self>(
  prototype: object,
  around: (
    method: (values: readonly unknown[]) => Promise<unknown>,
    call: MethodCall<Self>,
  ) => Promise<unknown>,
): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (typeof value === 'function' && name !== 'constructor') {
      Object.defineProperty(prototype, name, {
        async value(this: Self, ...values: unknown[]): Promise<unknown> {
          const method = (own: readonly unknown[]): Promise<unknown> => value.apply(this, [...own])
          return around(method, { object: this, methodName: name, values })
        },
      })
    }
  }
}

/** Lets work that cannot fail go on after the answer. */
export function laterIn(
  context: Pick<ExecutionContext, 'waitUntil'>,
): (work: Promise<void>) => void {
  return (work) => {
    context.waitUntil(work)
  }
}

/** Lets work go on after the answer. Its failure is logged here: the runtime would log its text and stack. */
export function inBackground(
  context: Pick<ExecutionContext, 'waitUntil'>,
  work: Promise<unknown>,
): void {
  context.waitUntil(
    work.catch((error: unknown) => {
      warn('background:failed', { reason: reasonOf(error) })
    }),
  )
}
