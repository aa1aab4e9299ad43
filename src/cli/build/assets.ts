import { type Request, Response } from 'miniflare'
import { publicFiles } from './public-files.ts'

/** What a deployment binds as `ASSETS`. */
export type Assets = (request: Request) => Promise<Response>

/**
 * Answers as the binding `ASSETS` of a deployment does. The files are written at the first request for one.
 *
 * @param projectDir the directory of wrangler.toml
 */
export function lazyAssets(projectDir: string): Assets {
  let files: ReturnType<typeof publicFiles> | undefined
  return async ({ url }) => {
    files ??= publicFiles(projectDir)
    const text = (await files).get(new URL(url).pathname.slice(1))
    return text === undefined ? new Response(null, { status: 404 }) : new Response(text)
  }
}
