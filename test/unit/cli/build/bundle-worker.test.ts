import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { bundleWorker } from '../../../../src/cli/build/bundle-worker.ts'
import { CliError } from '../../../../src/cli/error.ts'

async function bundle(source: string): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'edgemdm-test-'))
  await mkdir(join(project, 'src'))
  await writeFile(join(project, 'src/index.ts'), source)
  return bundleWorker(project, false)
}

it.each([
  ['a syntax error', 'export const x = {;', 'src/index.ts:1:19'],
  ['a file that is not there', "export * from './none.ts'", "resolve './none.ts' in src/index.ts"],
  ['a package that is not installed', "export * from 'none'", "resolve 'none' in src/index.ts"],
])('%s ends the build, and the error has its place without colours', async (_, source, place) => {
  const error: unknown = await bundle(source).catch((fault: unknown) => fault)
  expect(error).toBeInstanceOf(CliError)
  expect(String(error)).toContain(place)
  expect(String(error)).not.toContain('\u001B')
})

it('modules of the runtime are left to it', async () => {
  const source = "export * from 'node:crypto'\nexport { env } from 'cloudflare:workers'"
  expect(await bundle(source)).toContain('from "cloudflare:workers"')
})
