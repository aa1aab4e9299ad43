import type { D1Migration } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

const bindings = env as unknown as {
  DB: D1Database
  D1_MIGRATIONS: D1Migration[]
  LIVE: DurableObjectNamespace
}
const world = globalThis as unknown as { copyOfTheWorker?: number }

// Files of tests share a workerd. Each begins with empty storage: `reset` ends all objects, and leaves the rows of
// those that are evicted, so their files are removed outside (outside.ts). It is told which by a new object.
const before = await import('cloudflare:test')
await before.reset()
const marker = bindings.LIVE.newUniqueId()
await before.runInDurableObject(bindings.LIVE.get(marker), async (_, { storage }) => {
  await storage.put('is', 'here')
  await storage.sync()
})
await fetch(`http://control.test/forget?id=${marker.toString()}`)

// Each begins with new modules too (one-module.ts). What the file before still had in hand may have made objects
// of the old ones, whose files are gone: they end.
world.copyOfTheWorker = (world.copyOfTheWorker ?? 0) + 1
vi.resetModules()
const { reset } = await import('cloudflare:test')
await reset()

// One batch makes what `wrangler d1 migrations apply` does: a batch for each file costs a call for each.
const migrations = bindings.D1_MIGRATIONS.flatMap(({ name, queries }) => [
  ...queries.map((query) => bindings.DB.prepare(query)),
  bindings.DB.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
])
await bindings.DB.batch([
  bindings.DB.prepare(
    'CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, ' +
      'applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
  ),
  ...migrations,
])
const { stopClock } = await import('./clock.ts')
stopClock()
