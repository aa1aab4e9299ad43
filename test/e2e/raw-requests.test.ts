import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newState, start, within, type RunningServer } from './server.ts'

let server: RunningServer
let authorization: string

beforeAll(async () => {
  server = await start(await newState(), [])
  const key = /API key +(\S+)/.exec(server.output())?.[1]
  authorization = `Basic ${btoa(`micromdm:${key}`)}`
})

afterAll(() => server?.stop())

/** A request as no HTTP client would send it. */
async function ask(method: string, path: string, host: string, body = ''): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: ${authorization}`,
    `Content-Length: ${body.length}`,
    'Connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  let answer = ''
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString()
  })
  await within(once(socket, 'close'), () => `${method} ${path} is not answered: ${answer}`)
  return answer
}

const statusOf = (answer: string) => Number(answer.split(' ')[1])

describe('a malformed Host header', () => {
  it.each(['a b', 'a/v1', 'a?b', 'user@a', '[::1', 'a:99999', '%'])(
    'is answered as the sender’s fault on every route: %s',
    async (host) => {
      for (const [method, path] of [
        ['PUT', '/mdm/connect'],
        ['PUT', '/checkin'],
        ['GET', '/scep?operation=GetCACaps'],
        ['GET', '/mdm/enroll'],
        ['GET', '/ota/enroll'],
        ['GET', '/'],
        ['GET', '/MDMServiceConfig'],
        ['GET', '/api/devices'],
        ['GET', '/v1/commands/X'],
      ] as const) {
        const answer = await ask(method, path, host)
        expect(statusOf(answer), `${method} ${path}`).toBe(400)
        expect(answer).toContain('the Host header or the path is not valid')
      }
    },
  )

  it.each(['mdm.example.com', 'MDM.example.com:8443', '127.0.0.1', '[::1]:80', 'under_score.'])(
    'is not confused with a name or an address: %s',
    async (host) => {
      expect(statusOf(await ask('GET', '/mdm/enroll', host))).toBe(200)
      expect(statusOf(await ask('GET', '/api/devices', host))).toBe(200)
    },
  )
})

describe('a body where none is expected', () => {
  it('is refused by our own API, which would not read it', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await ask(method, '/api/devices/X/commands', 'mdm', '{"state":"queued"}')
      expect(statusOf(answer)).toBe(400)
      expect(answer).toContain(`${method} takes no body: leave it out`)
    }
    expect(statusOf(await ask('HEAD', '/api/devices', 'mdm', 'x'))).toBe(400)
    for (const act of ['commands/requeue', 'retire']) {
      const path = `/api/devices/X/${act}`
      const narrow = await ask('POST', path, 'mdm', '{"ids":["Y"]}')
      expect(statusOf(narrow)).toBe(400)
      expect(narrow).toContain('this call takes no body: leave it out')
      expect(await ask('POST', path, 'mdm', '{}')).not.toContain('takes no body')
    }
  })

  it('may be left out where it is optional, and has no other keys', async () => {
    const path = '/api/devices/X/commands/release'
    for (const none of ['', '{}']) {
      expect(statusOf(await ask('POST', path, 'mdm', none))).toBe(404)
    }
    expect(await ask('POST', path, 'mdm', '{"ids":["Y"]}')).toContain('Unrecognized key')
  })

  it('may be empty, and is ignored by MicroMDM’s routes', async () => {
    expect(statusOf(await ask('GET', '/api/devices', 'mdm'))).toBe(200)
    expect(statusOf(await ask('HEAD', '/api/devices', 'mdm'))).toBe(200)
    expect(statusOf(await ask('GET', '/v1/commands/X', 'mdm', '{}'))).toBe(200)
    expect(statusOf(await ask('DELETE', '/v1/commands/X', 'mdm', '{}'))).toBe(200)
  })
})
