import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.ts'

/** The Worker serves this file at `/setup` (src/http/setup/page.ts). */
const PLACE = '<script></script>'

/**
 * The page that claims a server, with its script in it.
 *
 * @param projectDir the directory of wrangler.toml
 */
export async function buildClaimPage(projectDir: string): Promise<string> {
  const folder = join(projectDir, 'src/claim-page')
  const script = await bundle(projectDir, {
    entryPoints: [join(folder, 'page.ts')],
    format: 'iife',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
  })
  const page = readFileSync(join(folder, 'page.html'), 'utf8')
  return page.replace(PLACE, () => `<script>${script.trim()}</script>`)
}
