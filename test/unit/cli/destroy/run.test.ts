import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { refuseUnknown } from '../../../../src/cli/destroy/run.ts'

const stateDir = mkdtempSync(join(tmpdir(), 'edgemdm-destroy-'))
afterAll(() => rmSync(stateDir, { recursive: true }))

const nothing = { removals: [], remarks: [] }
const refuse = (name: string, found: Parameters<typeof refuseUnknown>[2] = nothing) =>
  refuseUnknown({ name, stateDir }, 'Example', found)
const stopWith = (remedy: string) =>
  expect.objectContaining({
    exit: 2,
    message: expect.stringContaining('nothing of edgmdm in the account Example'),
    remedy: expect.stringContaining(remedy),
  })

it('a name that nothing has is refused with the names that this machine knows', () => {
  expect(() => refuse('edgmdm')).toThrow(stopWith('has no deployments'))
  for (const name of ['acme', 'edgemdm']) {
    mkdirSync(join(stateDir, 'deployments', name), { recursive: true })
  }
  expect(() => refuse('edgmdm')).toThrow(stopWith('knows acme, edgemdm: name one with --name'))
  expect(() => refuse('edgemdm')).not.toThrow()
  const found = [
    { ...nothing, removals: [{ title: 'the Worker edgmdm', command: [] }] },
    { ...nothing, remarks: ['The D1 edgmdm stays.'] },
  ]
  for (const one of found) {
    expect(() => refuse('edgmdm', one)).not.toThrow()
  }
})
