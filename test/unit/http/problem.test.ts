import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { problem, PROBLEMS } from '../../../src/http/problem.ts'

const PROJECT = join(import.meta.dirname, '../../..')

it('docs/api.md has each code with its status and a meaning, and no other', () => {
  const text = readFileSync(join(PROJECT, 'docs/api.md'), 'utf8')
  const [, section = ''] = /^## Errors\n([^]*?)^## /m.exec(text) ?? []
  const rows = [...section.matchAll(/^\| `(\w+)` \| (\d+) \| \S.+ \|$/gm)]
  expect(rows.map(([, code, status]) => [code, Number(status)])).toEqual(Object.entries(PROBLEMS))
})

it('a status alone means the first code of that status', async () => {
  const told = await Promise.all(
    [problem(404, 'no'), problem('device_not_found', 'no')].map((response) => response.json()),
  )
  expect(told).toMatchObject([
    { status: 404, title: 'Not Found', code: 'not_found' },
    { status: 404, title: 'Not Found', code: 'device_not_found' },
  ])
})

it('each code is an error that some place in src answers with', () => {
  const calls = globSync(join(PROJECT, 'src/{http,repo}/**/*.ts'))
    .concat(join(PROJECT, 'src/index.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .flatMap((text) =>
      text
        .split(
          /(?=\b(?:RequestError|RepoError|faultAt|problem|errorResponse)\(|const kind = |const PASSING)/,
        )
        .slice(1),
    )
    .map((call) => call.slice(0, 1200))
    .join('\n')
  const named = new Set(calls.match(/(?<=[(,?:]\s*)('\w+'|[45]\d\d)(?=\s*[,:)]|$)/gm))
  const firsts = new Map(
    Object.entries(PROBLEMS)
      .toReversed()
      .map(([code, status]) => [status, code]),
  )
  const silent = Object.entries(PROBLEMS).filter(
    ([code, status]) =>
      !named.has(`'${code}'`) && !(firsts.get(status) === code && named.has(String(status))),
  )
  expect(silent).toEqual([])
})
