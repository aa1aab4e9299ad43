import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { PATIENCE } from '../patience.ts'
import { newState, PROJECT, start, type RunningServer } from './server.ts'

let server: RunningServer | undefined

afterEach(async () => {
  await server?.stop()
})

/** The blocks of commands in the section. */
const page = readFileSync(join(PROJECT, 'docs/apple-business-manager.md'), 'utf8')
const section = /^## Fifteen minutes on a laptop\n(.*?)^## /ms.exec(page)?.[1] ?? ''
const blocks = [...section.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block)
const [starts = '', sets = '', looks = ''] = blocks

it('the fifteen minutes on a laptop lead to a Mac with a profile, a package and an account', async () => {
  const flags = /npm start -- (.*) --state/.exec(starts)?.[1]?.split(' ') ?? []
  expect(flags).toContain('--dep-simulator')
  const edge = await start(await newState(), flags, 'Remove a device:')
  server = edge
  writeFileSync(join(edge.state, 'laptop.log'), edge.output())
  const shell = async (script: string) =>
    (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd: edge.state }))
      .stdout
  await shell(sets)
  const desktop =
    /SMLT00000001 was released.*; accounts: itadmin admin, .*com\.example\.trust; apps: com\.example\.agent/
  await expect.poll(() => edge.output(), { timeout: PATIENCE }).toMatch(desktop)
  const variables = sets.slice(0, sets.indexOf('\n\n'))
  const seen = await shell(`${variables}\n${looks}`)
  expect(seen).toMatch(/"state":"released"/)
  expect(seen).toMatch(/^([a-z]{4}-){4}\d{4}$/im)
})
