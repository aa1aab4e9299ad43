import { expect, it } from 'vitest'
import { idOf, loggedPath, networkOf, siteOf } from '../../../src/http/caller.ts'

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:2::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:9::', '2001:db8:0:0::/64'],
  ['2001:db8:0:1::', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
  ['no address', 'no address'],
])('the network of "%s" is "%s"', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

it.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
  ['192.0.2.7', '192.0.2.7'],
])('the site of "%s" is "%s"', (address, site) => {
  expect(siteOf(address)).toBe(site)
})

const RAY = '8f1b2c3d4e5f6789-FRA'
const asked = (ray: string) => new Request('http://mdm.test/', { headers: { 'cf-ray': ray } })

it('a request’s id is Cloudflare’s, where Cloudflare writes it', () => {
  expect(idOf(asked(RAY), {})).toBe(RAY)
})

it.each([
  [
    'under npm start, where a sender writes the header',
    RAY,
    { PUSH_KEEPER: { fetch: async () => new Response() } },
  ],
  ['for a header that Cloudflare does not write so', 'UDID-1 or 8f1b2c3d4e5f6789-FRA', {}],
])('a request’s id is random %s', (_, ray, env) => {
  const ids = [idOf(asked(ray), env), idOf(asked(ray), env)]
  expect(ids).toEqual([
    expect.stringMatching(/^[\da-f]{12}$/),
    expect.stringMatching(/^[\da-f]{12}$/),
  ])
  expect(ids[0]).not.toBe(ids[1])
})

it('a path in the log tells no UserID', () => {
  expect(loggedPath('/api/devices/UDID:ada/commands')).toBe('/api/devices/UDID:…/commands')
  expect(loggedPath('/v1/commands/UDID%3Aada')).toBe('/v1/commands/UDID%3A…')
})
