/** The bindings of a process that dies. */
import type { RoundEnv } from '../../src/jobs/work.ts'

/** What leaves the process. */
const CALLS: ReadonlySet<string> = new Set([
  'run',
  'all',
  'first',
  'raw',
  'batch',
  'offerDeclarations',
])

/**
 * The bindings of a process that dies after so many calls: each later one fails, and none arrives.
 *
 * @param env the bindings of one that lives
 */
export function dyingAfter(
  calls: number,
  env: RoundEnv,
): { readonly env: RoundEnv; readonly isDead: () => boolean } {
  let left = calls
  const watched = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get: (own, name) => {
        if (name === 'plain') {
          return own
        }
        return (...values: unknown[]): unknown => {
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only methods are asked for
          const methods = own as Record<string, (...given: unknown[]) => unknown>
          if (!CALLS.has(String(name))) {
            return watched(Object(methods[String(name)]?.(...values)))
          }
          left -= 1
          return left < 0
            ? Promise.reject(new Error('the process died'))
            : methods[String(name)]?.(...values.map(plain))
        }
      },
    })
  return {
    env: { ...env, DB: watched(env.DB), DEVICE: watched(env.DEVICE) },
    isDead: () => left < 0,
  }
}

/** A batch takes the statements of D1 itself. */
function plain(value: unknown): unknown {
  return Array.isArray(value) ? value.map((one) => Reflect.get(Object(one), 'plain') ?? one) : value
}
