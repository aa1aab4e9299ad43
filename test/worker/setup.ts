import { applyD1Migrations, type D1Migration } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { stopClock } from './clock.ts'

const bindings = env as unknown as { DB: D1Database; D1_MIGRATIONS: D1Migration[] }
await applyD1Migrations(bindings.DB, bindings.D1_MIGRATIONS)
stopClock()
