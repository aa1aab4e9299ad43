import { describe, expect, it } from 'vitest'
import { deployed } from './deployment.ts'

/** A Durable Object whose storage fails every call, in the words that workerd had for it. */
const failing = (message: string) =>
  new Proxy({}, { get: () => () => Promise.reject(new Error(message)) })

const routes = [
  ['POST', '/v1/commands', { udid: 'FULL', request_type: 'ProfileList' }],
  ['DELETE', '/v1/commands/FULL'],
  ['POST', '/v1/push/FULL'],
  ['POST', '/v1/devices/FULL/block'],
  ['POST', '/api/devices/FULL/commands', { request_type: 'ProfileList' }],
  ['POST', '/api/devices/FULL/retire'],
  ['GET', '/api/devices/FULL'],
  ['GET', '/api/stream?device=FULL'],
] as const

describe('an admin route whose storage fails', () => {
  it.each([
    ['database or disk is full: SQLITE_FULL', 'the storage is full: make room'],
    [
      'disk I/O error: SQLITE_IOERR (extended: SQLITE_IOERR_SHMSIZE)',
      'the storage does not answer',
    ],
    ['Durable Object reset because its code was updated.', 'the server is being updated'],
    [
      'The RPC receiver does not implement the method "added".',
      'the server is being updated: try again',
    ],
    ['Handler does not export a fetch() function.', 'the server is being updated: try again'],
    ['internal error; reference = 6ctnd85di3v4r2t2rdlelpj8', 'the storage does not answer'],
  ])('is 503 with advice: %s', async (message, text) => {
    const call = deployed({ DEVICE: { getByName: () => failing(message) } })
    for (const [method, path, body] of routes) {
      const response = await call(method, path, body)
      const answer = await response.json<{ error?: string; detail?: string }>()
      expect([response.status, answer.error ?? answer.detail], `${method} ${path}`).toEqual([
        503,
        expect.stringContaining(text),
      ])
    }
  })

  it.each([
    ['D1_ERROR: database or disk is full: SQLITE_FULL', 'the storage is full: make room'],
    ['D1_ERROR: Exceeded maximum DB size', 'the storage is full: make room'],
    ['D1_ERROR: Network connection lost.', 'the directory (D1) does not answer just now'],
  ])('is 503 when it is the directory’s: %s', async (message, text) => {
    const call = deployed({
      DB: {
        ...failing(message),
        prepare: () => {
          throw new Error(message)
        },
      },
    })
    const response = await call('POST', '/v1/challenge')
    expect([response.status, await response.json()]).toEqual([
      503,
      { error: expect.stringContaining(text) },
    ])
  })
})
