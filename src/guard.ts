import { warn } from './log.ts'
import { reasonOf, safeError } from './reason.ts'
import { received } from './request-id.ts'

/**
 * Makes every method of an object's class run for the request of its caller, and reject with a safe error
 * (docs/architecture.md §22). The runtime logs the text and the stack of every error that an object throws,
 * and passes the text to the caller.
 */
export function guardObject({ prototype }: { readonly prototype: object }): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (typeof value === 'function' && name !== 'constructor') {
      Object.defineProperty(prototype, name, { value: guarded(value) })
    }
  }
}

/** All methods are async: an error is a rejection. */
function guarded(method: (...values: unknown[]) => Promise<unknown>) {
  return function (this: unknown, ...values: unknown[]): Promise<unknown> {
    return received(values, (own) => method.apply(this, [...own])).catch((error: unknown) => {
      throw safeError(error)
    })
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
