import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, it, vi } from 'vitest'
import { boundedBody, installCA, listCAs } from '../../../src/cli/api-client.ts'

it('a CA’s private key follows no redirect, and a server that is not there is named with the reason', async () => {
  const paths: (string | undefined)[] = []
  const server = createServer(({ url }, response) => {
    paths.push(url)
    response.writeHead(307, { location: '/elsewhere' }).end('moved')
  })
  const access = { url: await listen(server), apiKey: 'key' }
  await expect(
    installCA(access, { certificate: 'PEM', key: 'PEM' }, { imported: false }),
  ).rejects.toThrow('answered 307: it leads to /elsewhere')
  expect(paths).toEqual(['/api/ca'])
  server.close()
  await once(server, 'close')
  await expect(listCAs(access)).rejects.toThrow(/does not answer: nothing runs at this port/)
})

it.each([
  ['http://127.0.0.1:8787', 'ECONNREFUSED', /npm start does not run here\. .* --server https:/],
  ['https://mdm.test', 'ENOTFOUND', /its name is not in the DNS/],
  ['https://mdm.test', 'ETIMEDOUT', /does not answer: connect ETIMEDOUT$/],
])('no answer of %s (%s) leads to what to do', async (url, code, sentence) => {
  const cause = Object.assign(new Error(`connect ${code}`), { code })
  const fetching = vi.spyOn(globalThis, 'fetch')
  fetching.mockRejectedValueOnce(new TypeError('fetch failed', { cause }))
  await expect(listCAs({ url, apiKey: 'key' })).rejects.toThrow(sentence)
  fetching.mockRestore()
})

it.each([
  [307, 'moved', /answered 307: it leads to \/elsewhere, so name that server$/],
  [401, '{"detail":"send the API key"}', /answered 401: it has another API key$/],
  [404, '{"detail":"no such route"}', /answered 404: no such route$/],
  [404, '\n<!DOCTYPE html><p>not found', /answered 404: with a web page, so another server/],
  [200, '<html>Sign in</html>', /answered 200: with a web page, so another server/],
])('an answer that is %i %j is explained in one line', async (status, body, sentence) => {
  const server = createServer((_, response) => {
    response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {}).end(body)
  })
  const url = await listen(server)
  await expect(listCAs({ url, apiKey: 'key' })).rejects.toThrow(sentence)
  server.close()
})

it('a long refusal is cut', async () => {
  const fetching = () =>
    Promise.resolve(Response.json({ detail: 'key '.repeat(100_000) }, { status: 400 }))
  const access = { url: 'https://mdm.test', apiKey: 'key', fetch: fetching }
  const complaint: unknown = await listCAs(access).catch((error: unknown) => error)
  expect(String(complaint)).toMatch(/answered 400: (key )+…$/)
  expect(String(complaint).length).toBeLessThan(600)
})

it('an answer without an end is read up to a limit, and its connection is closed', async () => {
  const closed = Promise.withResolvers<void>()
  const server = createServer((_, response) => {
    const chunk = Buffer.alloc(1024 * 1024, 0x20)
    const send = (): void => {
      response.write(chunk, send)
    }
    response.on('close', closed.resolve)
    send()
  })
  const url = await listen(server)
  await expect(listCAs({ url, apiKey: 'key' })).rejects.toThrow(
    `${url}/api/ca sent more than 16 MB, so something else answers there`,
  )
  await closed.promise
  server.close()
})

it('a compressed answer counts as what it holds', async () => {
  const server = createServer((_, response) => {
    const bomb = gzipSync(Buffer.alloc(3 * 1024 * 1024))
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  })
  const url = await listen(server)
  await expect(boundedBody(await fetch(url), url, 2)).rejects.toThrow('sent more than 2 MB')
  expect(await boundedBody(await fetch(url), url, 3)).toHaveLength(3 * 1024 * 1024)
  server.close()
})

it('https at a server of http is named', async () => {
  const server = createServer()
  const url = await listen(server)
  const access = { url: url.replace('http:', 'https:'), apiKey: 'key' }
  await expect(listCAs(access)).rejects.toThrow(/does not answer: it takes http, not https$/)
  server.close()
})

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
