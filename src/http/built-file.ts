import type { Env } from '../env.ts'
import { RequestError } from './request-error.ts'

/** A file that `npm run build` has put beside the Worker (`assets` in wrangler.toml). */
export async function builtFile({ ASSETS }: Env, name: string): Promise<Response> {
  const response = await ASSETS?.fetch(`https://assets/${name}`)
  if (!response?.ok) {
    throw new RequestError(
      `${name} is not deployed: deploy with the \`assets\` and \`build\` of wrangler.toml`,
      'not_configured',
    )
  }
  return response
}
