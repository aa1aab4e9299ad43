import { createHash } from 'node:crypto'
import type { Env } from '../../env.ts'
import { builtFile } from '../built-file.ts'

/** The page that claims a server (src/claim-page). @throws RequestError if it is not deployed */
export async function claimPage(env: Env): Promise<Response> {
  const page = await (await builtFile(env, 'setup.html')).text()
  return new Response(page, { headers: claimPageHeaders(page) })
}

/** The page runs its own script and style alone, and calls this server alone. No browser keeps it. */
export function claimPageHeaders(page: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src ${digestOf(page, 'script')}`,
    `style-src ${digestOf(page, 'style')}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

/** Of the content of the only element of this name (Content Security Policy Level 3, “hash-source”). */
function digestOf(page: string, name: 'script' | 'style'): string {
  const [, content = ''] = new RegExp(`<${name}>([^]*?)</${name}>`).exec(page) ?? []
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
}
