import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { installCA, listCAs } from '../../../src/cli/api-client.ts'

it('a CA’s private key follows no redirect, and a server that is not there is named with the reason', async () => {
  const paths: (string | undefined)[] = []
  const server = createServer(({ url }, response) => {
    paths.push(url)
    response.writeHead(307, { location: '/elsewhere' }).end('moved')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const access = { url: `http://127.0.0.1:${port}`, apiKey: 'key' }
  await expect(
    installCA(access, { certificate: 'PEM', key: 'PEM' }, { imported: false }),
  ).rejects.toThrow('answered 307: moved')
  expect(paths).toEqual(['/api/ca'])
  server.close()
  await once(server, 'close')
  await expect(listCAs(access)).rejects.toThrow(/does not answer: connect ECONNREFUSED/)
})
