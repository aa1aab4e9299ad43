import { expect, it } from 'vitest'
import { DESTROY_HELP, readDestroyOrder } from '../../../../src/cli/destroy/arguments.ts'

const read = (line: string) => readDestroyOrder(line.split(' ').filter(Boolean), {})

it('a deployment is named, and its data stays unless the line says otherwise', () => {
  expect(read('--name acme')).toMatchObject({ name: 'acme', withData: false, yes: undefined })
  expect(read('--name acme --yes acme --with-data')).toMatchObject({ yes: 'acme', withData: true })
  expect(() => read('')).toThrow('--name NAME is missing')
  expect(() => read('--name Acme')).toThrow('small letters')
  expect(() => read('acme')).toThrow('--help')
  expect(read('-h')).toEqual({ help: true })
  expect(DESTROY_HELP.split('\n').every(({ length }) => length <= 110)).toBe(true)
})
