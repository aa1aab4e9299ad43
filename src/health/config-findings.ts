import { weaknessOf } from '../config/examples.ts'
import { failed, warned, type Finding } from './finding.ts'
import type { InsideFacts } from './inside.ts'

/** An address of this machine, or one that Cloudflare gives: it is not the server's own. */
const LOCAL = /^https?:\/\/(localhost|127\.|\[::1\])/
const WORKERS_DEV = /\.workers\.dev$/
const NEW_KEY = 'make another: `openssl rand -hex 32 | npx wrangler secret put API_KEY`'

export function configFindings({ address, config, hasAdminKey }: InsideFacts): readonly Finding[] {
  const { publicUrl, bootstrapKeys, exampleKeys } = config
  return [
    ...addressFindings(address, publicUrl),
    ...exampleKeys.map(({ name }) =>
      failed(`the key ${name} is an example of the documentation, and is not accepted`, NEW_KEY),
    ),
    ...bootstrapKeys.flatMap(({ key, name }) => {
      const why = weaknessOf(key)
      return why === undefined ? [] : [failed(`the key ${name} can be guessed: it ${why}`, NEW_KEY)]
    }),
    ...(bootstrapKeys.length === 0 && hasAdminKey === false
      ? [
          failed(
            'API_KEY is not in use, and no key has the scope admin: keys cannot be changed',
            'set API_KEY without ADMIN_KEYS_ONLY, and make a key with the scope admin (docs/keys.md)',
          ),
        ]
      : []),
  ]
}

function addressFindings(address: string, publicUrl: string): readonly Finding[] {
  if (LOCAL.test(address)) {
    return []
  }
  if (publicUrl === '') {
    return WORKERS_DEV.test(address)
      ? []
      : [
          warned(
            `PUBLIC_URL is not set: a profile names the address that it was asked for at, here ${address}`,
            'set PUBLIC_URL to the address that devices use (docs/settings.md)',
          ),
        ]
  }
  // A proxy that ends TLS may ask by http.
  return new URL(address).host === new URL(publicUrl).host
    ? []
    : [
        failed(
          `PUBLIC_URL is ${publicUrl}, and this request came to ${address}: profiles name the former`,
          'set PUBLIC_URL to the address that devices use, or use that address',
        ),
      ]
}
