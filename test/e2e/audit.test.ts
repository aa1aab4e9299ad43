import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newState, PROJECT, type RunningServer, start } from './server.ts'

const run = promisify(execFile)

let server: RunningServer
beforeAll(async () => {
  server = await start(await newState(), [])
})
afterAll(() => server.stop())

/** `npm run audit`. */
async function audit(...args: string[]): Promise<string> {
  const apiKey = (await readFile(join(server.state, 'api-key'), 'utf8')).trim()
  const { stdout } = await run(process.execPath, ['src/cli/audit/audit.ts', ...args], {
    cwd: PROJECT,
    env: { ...process.env, API_KEY: apiKey },
  })
  return stdout
}

it('npm run audit checks the rows of a server and of a file, and finds a changed one', async () => {
  for (const id of ['a.json', 'b.json', 'c.json']) {
    await server.api('PUT', `/api/files/${id}`, {})
  }
  const at = ['--server', server.url]
  const [said, line = ''] = (await audit('verify', ...at)).split('\n')
  expect(said).toMatch(/^\d+ rows are unchanged and complete, from the first one on$/)
  const [, head = ''] = /^--head '(\d+ sha256:[\da-f]{64})'$/.exec(line) ?? []
  await server.api('DELETE', '/api/files/a.json')
  expect(await audit('verify', ...at, '--head', head)).toContain('complete')

  const exported = await audit('export', ...at)
  const file = join(server.state, 'audit.jsonl')
  await writeFile(file, exported)
  expect(await audit('verify', '--file', file, '--head', head)).toContain('complete')
  await writeFile(file, exported.replace('b.json', 'x.json'))
  await expect(audit('verify', '--file', file)).rejects.toThrow(/audit: row \d+ was changed/)
  await writeFile(file, exported.split('\n').slice(2).join('\n'))
  await expect(audit('verify', '--file', file, '--head', head)).rejects.toThrow(
    'which --head names',
  )
})
