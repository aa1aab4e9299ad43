/** A process that bundles the Worker, sends it to its parent, and ends (bundle-apart.ts). */
import { messageOf } from '../error.ts'
import type { Built } from './bundle-apart.ts'
import { bundleWorker } from './bundle-worker.ts'

const [projectDir = '', sourcemap] = process.argv.slice(2)
const built: Built = await bundleWorker(
  projectDir,
  sourcemap === 'inline' ? sourcemap : false,
).then(
  (script) => ({ script }),
  (error: unknown) => ({ fault: messageOf(error) }),
)
// The parent may be gone, which is no error here.
process.send?.(built, undefined, undefined, () => process.exit())
