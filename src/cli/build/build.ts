/** `npm run build`: what wrangler uploads. `wrangler deploy` runs it first (wrangler.toml, `build`). */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUNDLE, bundleWorker } from './bundle.ts'
import { writeDocuments } from './documents.ts'

const PROJECT = join(import.meta.dirname, '../../..')
const DIST = join(PROJECT, 'dist')
const PUBLIC = join(DIST, 'public')

rmSync(DIST, { recursive: true, force: true })
mkdirSync(PUBLIC, { recursive: true })
writeFileSync(join(PROJECT, BUNDLE), await bundleWorker(PROJECT))
for (const [name, text] of await writeDocuments(PROJECT)) {
  writeFileSync(join(PUBLIC, name), text)
}
