import { createHash } from 'node:crypto'
import { SCRIPT } from './look.ts'

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** The page loads nothing from elsewhere. The digest allows its own script only. */
export function docsHeaders(): Record<string, string> {
  const digest = createHash('sha256').update(SCRIPT).digest('base64')
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `${POLICY}; script-src 'sha256-${digest}'; frame-ancestors 'none'`,
    'x-content-type-options': 'nosniff',
  }
}
