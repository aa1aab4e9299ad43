import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: [
    './src/directory/schema.ts',
    './src/directory/declarations/schema.ts',
    './src/directory/updates/schema.ts',
    './src/directory/dep/schema.ts',
    './src/directory/blueprints/schema.ts',
  ],
  out: './migrations/directory',
  migrations: { prefix: 'index' },
})
