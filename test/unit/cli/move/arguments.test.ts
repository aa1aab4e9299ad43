import { expect, it } from 'vitest'
import { readMoveArguments } from '../../../../src/cli/move/arguments.ts'

const read = (line: string, env = {}) =>
  readMoveArguments(line === '' ? [] : line.split(' '), { API_KEY: 'here', ...env })

it('a file, a server and a table of bindings are told apart', () => {
  expect(read('micromdm.db')).toMatchObject({
    kind: 'move',
    source: { kind: 'file', path: 'micromdm.db' },
    access: { url: 'http://127.0.0.1:8787', apiKey: 'here' },
    yes: false,
    activate: true,
  })
  expect(read('https://mdm.example.com/ --from-api-key there --no-activate')).toMatchObject({
    source: { kind: 'server', url: 'https://mdm.example.com', apiKey: 'there' },
    activate: false,
  })
  expect(read('--bindings table.tsv --yes --server http://edge.test/')).toMatchObject({
    source: { kind: 'bindings', path: 'table.tsv' },
    access: { url: 'http://edge.test' },
    yes: true,
  })
  expect(read('https://mdm.example.com', { MICROMDM_API_KEY: 'there' })).toMatchObject({
    source: { apiKey: 'there' },
  })
})

it('help, status and discard need no copy', () => {
  expect(read('')).toEqual({ kind: 'help' })
  expect(read('micromdm.db -h')).toEqual({ kind: 'help' })
  expect(read('--status')).toMatchObject({ kind: 'status' })
  expect(read('--discard')).toMatchObject({ kind: 'discard' })
  expect(read('--export fleet.jsonl --reason back')).toMatchObject({
    kind: 'export',
    order: { reason: 'back', to: { kind: 'file', path: 'fleet.jsonl' } },
  })
})

it('a survey needs no API key, a move does', () => {
  const none = { API_KEY: undefined }
  expect(read('micromdm.db', none)).toMatchObject({ access: { apiKey: '' } })
  expect(() => read('micromdm.db --yes', none)).toThrow('--api-key is missing')
  expect(() => read('--status', none)).toThrow('--api-key is missing')
})

it.each([
  ['--yes', 'name the file micromdm.db'],
  ['micromdm.db other.db', 'one at a time: micromdm.db, other.db'],
  ['micromdm.db --discard', 'one at a time: micromdm.db, --discard'],
  ['micromdm.db --export fleet.jsonl', 'one at a time: micromdm.db, --export fleet.jsonl'],
  ['micromdm.db --server localhost', '--server localhost: not an http or https URL'],
  ['https://mdm.example.com', '--from-api-key is missing'],
  ['--bindings table.tsv --filerepo repo', 'not to --bindings'],
  ['micromdm.db --frobnicate', '--help lists the options'],
  ['micromdm.db --filerepo=', '--filerepo: empty'],
])('%s is refused with a reason', (line, reason) => {
  expect(() => read(line)).toThrow(reason)
})

it('flags that npm kept are named, but npm’s own --yes is not taken for one', () => {
  const kept = { npm_config_filerepo: 'true' }
  expect(() => read('micromdm.db repo', kept)).toThrow('npm run move -- ')
  expect(() => read('micromdm.db', { npm_config_yes: 'true', npm_config_activate: '' })).toThrow(
    'npm run move -- micromdm.db --yes --no-activate',
  )
  expect(read('micromdm.db', { npm_config_yes: 'true' })).toMatchObject({ yes: false })
})
