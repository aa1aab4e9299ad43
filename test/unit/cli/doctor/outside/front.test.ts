import { expect, it } from 'vitest'
import { foreignIn } from '../../../../../src/cli/doctor/outside/front.ts'

const seen = (status: number, headers: Record<string, string> = {}, text = '') =>
  foreignIn({ status, headers: new Headers(headers), text })

it('an answer with the header of the server is its own, whatever its status', () => {
  for (const status of [200, 400, 401, 403, 413, 503]) {
    expect(seen(status, { edgemdm: '0.2.0' })).toBeUndefined()
  }
})

it.each<[number, Record<string, string>, string, string, string]>([
  [403, { 'cf-mitigated': 'challenge' }, '', 'a challenge for browsers', 'Bot Fight Mode'],
  [302, { location: 'https://x.cloudflareaccess.com/' }, '', 'Cloudflare Access', 'policy Bypass'],
  [403, {}, 'see /cdn-cgi/access/login', 'Cloudflare Access', 'policy Bypass'],
  [301, { location: 'https://www.test/' }, '', 'a redirect', 'remove the redirect'],
  [401, {}, '', 'gets 401 removes its management', 'take the login away at once'],
  [429, {}, 'error code: 1027', 'the free plan are used up', 'wait until 00:00 UTC'],
  [500, {}, 'error code: 1101', 'the Worker threw', 'npx wrangler tail'],
  [429, {}, 'error code: 1015', 'a rate limiting rule', 'remove the rate limiting rule'],
  [403, {}, 'error code: 1020', 'a firewall', 'Security > Events'],
  [413, {}, '', 'a small limit', '20 MB'],
  [431, {}, '', 'a small limit', '64 KB'],
  [522, {}, 'error code: 522', 'leads to an origin', 'custom domain'],
  [530, {}, 'error code: 1016', 'leads to an origin', 'custom domain'],
  [503, {}, '', 'a proxy that does not reach', 'the proxy in front'],
  [404, {}, '', 'another server', 'npm run deploy'],
  [200, {}, '<html>', 'another server', 'npm run deploy'],
])('%i with %o and “%s” is %s', (status, headers, text, who, fix) => {
  const foreign = seen(status, headers, text)
  expect(foreign?.seen).toMatch(new RegExp(`^${status} .*${who}`))
  expect(foreign?.fix).toContain(fix)
})
