import { expect, it } from 'vitest'
import { REQUEST_TYPES } from '../../src/apple/schema.ts'
import { api } from './server.ts'

interface Described {
  readonly request_type: string
  readonly destructive: boolean
  readonly loses: string | null
  readonly keys?: readonly { readonly key: string; readonly secret?: boolean }[]
}

it('lists every command that Apple documents, without its keys', async () => {
  const { body } = await api<{ items: readonly Described[] }>('GET', '/api/command-types')
  expect(body.items.map((one) => one.request_type).toSorted()).toEqual(REQUEST_TYPES.toSorted())
  expect(body.items.every(({ keys }) => keys === undefined)).toBe(true)
})

it('describes the keys of a command, and marks its secrets', async () => {
  const { body } = await api<Described>('GET', '/api/command-types/EraseDevice')
  expect(body).toMatchObject({ destructive: true, loses: expect.stringContaining('All data') })
  expect(body.keys?.filter(({ secret }) => secret).map(({ key }) => key)).toEqual([
    'PIN',
    'ReturnToService',
  ])
})

it('answers 404 for a type that Apple does not document', async () => {
  const { status, body } = await api<{ code: string }>('GET', '/api/command-types/EraseDevise')
  expect([status, body.code]).toEqual([404, 'command_type_not_found'])
})
