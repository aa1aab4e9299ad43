import { copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CliError } from '../../../../src/cli/error.ts'
import { readProject } from '../../../../src/cli/start/project.ts'

const PROJECT = resolve(import.meta.dirname, '../../../..')

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'edgemdm-project-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('a project has its objects, and the migrations in order, in statements', async () => {
  const folder = await newFolder()
  await copyFile(join(PROJECT, 'wrangler.toml'), join(folder, 'wrangler.toml'))
  await cp(join(PROJECT, 'migrations'), join(folder, 'migrations'), { recursive: true })
  const migrations = join(folder, 'migrations/directory')
  await writeFile(join(migrations, '9999_last.sql'), 'SELECT 1; SELECT 2;')
  await writeFile(join(migrations, 'notes.txt'), 'no migration')
  const project = await readProject(folder)
  expect(Object.keys(Object(project.workerOptions['durableObjects']))).toContain('DEVICE')
  const names = project.migrations.map(({ name }) => name)
  expect(names.length).toBeGreaterThan(1)
  expect(names).toEqual(names.toSorted())
  const last = project.migrations.at(-1)
  expect(last?.name).toBe('9999_last.sql')
  expect(last?.statements).toHaveLength(2)
})

test('a fault in wrangler.toml is an error with its line', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'wrangler.toml'), 'name = "edgemdm"\nmain = = 2\n')
  const reading = readProject(folder)
  await expect(reading).rejects.toThrow(CliError)
  await expect(reading).rejects.toThrow(/wrangler\.toml:2:\d+: Invalid TOML/)
})
