/** `npm run build`: what wrangler uploads. `wrangler deploy` runs it first (wrangler.toml, `build`). */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { complaintOf } from '../error.ts'
import { BUNDLE, bundleWorker } from './bundle-worker.ts'
import { publicFiles } from './public-files.ts'

const PROJECT = join(import.meta.dirname, '../../..')
const PUBLIC = join(PROJECT, 'dist/public')

/** A file is replaced as a whole: another deploy may read it at the same time. */
function replace(file: string, text: string): void {
  const fresh = join(PROJECT, `dist/${process.pid}.new`)
  writeFileSync(fresh, text)
  renameSync(fresh, file)
}

mkdirSync(PUBLIC, { recursive: true })
const script = await bundleWorker(PROJECT).catch((error: unknown) => {
  console.error(complaintOf(error))
  process.exit(1)
})
replace(join(PROJECT, BUNDLE), script)
const files = await publicFiles(PROJECT)
for (const [name, text] of files) {
  replace(join(PUBLIC, name), text)
}
for (const stale of readdirSync(PUBLIC).filter((name) => !files.has(name))) {
  rmSync(join(PUBLIC, stale), { recursive: true, force: true })
}
