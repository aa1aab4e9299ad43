import { expect, it } from 'vitest'
import { concealing, guardedFetch } from '../../../../../src/cli/doctor/conceal.ts'
import { checkAdminAuth } from '../../../../../src/cli/doctor/outside/admin-auth.ts'

it.each(['a key of four words', 'ключ 鍵'])('the key %j may be any text', async (key) => {
  const right = `Basic ${Buffer.from(`micromdm:${key}`).toString('base64')}`
  const server: typeof fetch = (input, init) =>
    Promise.resolve(
      new Request(input, init).headers.get('authorization') === right
        ? Response.json({ name: 'API_KEY' }, { headers: { edgemdm: '1' } })
        : new Response('{}', {
            status: 401,
            headers: { edgemdm: '1', 'www-authenticate': 'Basic' },
          }),
    )
  const unused = () => Promise.reject(new Error('not asked'))
  const verdict = await checkAdminAuth({
    url: 'https://mdm.test',
    key,
    isLocal: false,
    version: '1',
    now: () => 0,
    fetch: guardedFetch(server, concealing(key)),
    health: unused,
    devices: unused,
  })
  expect(verdict).toEqual({ level: 'ok', seen: 'the key is API_KEY' })
})
