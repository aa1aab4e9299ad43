import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCloudflareApi } from '../../../../../src/cli/deploy/cloudflare/api.ts'
import { refuseWithoutZone } from '../../../../../src/cli/deploy/cloudflare/zones.ts'
import { type Cloudflare, startCloudflare } from '../../../../cloudflare/cloudflare.ts'

let cf: Cloudflare
beforeAll(async () => {
  cf = await startCloudflare({ zones: ['example.com', 'eu.example.org'] })
})
afterAll(() => cf.close())

const look = (...hosts: string[]) => {
  const effects = { env: cf.env, fetch, sleep: () => Promise.resolve() }
  const api = createCloudflareApi({ authorization: 'Bearer x' }, effects)
  return refuseWithoutZone({ api, account: cf.account }, hosts)
}

it('a host needs a zone of the account, at any of its parents', async () => {
  await look('mdm.example.com', 'a.b.example.com', 'example.com', 'mdm.eu.example.org')
  for (const host of ['mdm.exmaple.com', 'mdm.us.example.org', 'badexample.com']) {
    await expect(look('mdm.example.com', host)).rejects.toMatchObject({
      exit: 2,
      message: `the account Example has no zone for ${host}`,
      remedy: expect.stringContaining('check the spelling, or add the domain to the account'),
    })
  }
})

it('a token that may not read zones is not stopped by that, and a fault of Cloudflare is', async () => {
  const fault = { method: 'GET', path: /^\/zones$/, code: 9109, message: 'no' }
  cf.fail({ ...fault, status: 403 })
  await look('mdm.exmaple.com')
  cf.fail({ ...fault, status: 400 })
  await expect(look('mdm.example.com')).rejects.toThrow('answered 400')
})
