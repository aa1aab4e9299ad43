import { type Request, Response } from 'miniflare'
import { cached } from './cache.ts'
import { publicFiles } from './public-files.ts'

/** What a deployment binds as `ASSETS`. */
export type Assets = (request: Request) => Promise<Response>

/** What the files are made of. */
const SOURCES = ['src', 'migrations', 'package.json']

/**
 * Answers as the binding `ASSETS` of a deployment does. The files are written at the first request for one.
 *
 * @param projectDir the directory of wrangler.toml
 */
export function lazyAssets(projectDir: string): Assets {
  let files: ReturnType<typeof publicFiles> | undefined
  return async ({ url }) => {
    files ??= cached(projectDir, 'public', SOURCES, () => publicFiles(projectDir))
    const built = await files.catch((error: unknown) => {
      // The source may be mended by the next request.
      files = undefined
      console.error('The files for browsers cannot be built:', error)
      throw error
    })
    const text = built.get(new URL(url).pathname.slice(1))
    return text === undefined ? new Response(null, { status: 404 }) : new Response(text)
  }
}
