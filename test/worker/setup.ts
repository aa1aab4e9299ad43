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
const { applyD1Migrations, reset } = await import('cloudflare:test')
await reset()

await applyD1Migrations(bindings.DB, bindings.D1_MIGRATIONS)
const { stopClock } = await import('./clock.ts')
stopClock()
