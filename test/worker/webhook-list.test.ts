import { afterEach, expect, it } from 'vitest'
import { requireConfig } from '../../src/config.ts'
import { forgetWebhooks, knownWebhooks } from '../../src/directory/webhook-list.ts'
import { env, until } from './server.ts'
import { newHook, removeHooks } from './webhook-tools.ts'

afterEach(removeHooks)

/** D1 whose answers reach the Worker when the test lets them go. */
function heldDatabase() {
  let held = true
  const holding = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') {
          return value
        }
        return (...given: unknown[]) => {
          const result: unknown = Reflect.apply(value, target, given)
          return result instanceof Promise ? later(result) : holding(Object(result))
        }
      },
    })
  async function later<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const given = await answer
    await until(
      async () => held,
      (still) => !still,
    )
    return given
  }
  return { db: holding(env.DB), letGo: () => (held = false) }
}

it('a list of webhooks that was read before a change is not used, and the next request reads a new one', async () => {
  const config = requireConfig(env)
  const ids = async (db: D1Database) =>
    (await knownWebhooks({ DB: db }, config, () => undefined))?.map(({ id }) => id)
  forgetWebhooks()
  const { db, letGo } = heldDatabase()
  const reading = ids(db)
  const hook = await newHook()
  letGo()
  expect(await reading).toBeUndefined()
  expect(await ids(env.DB)).toContain(hook.id)
})
