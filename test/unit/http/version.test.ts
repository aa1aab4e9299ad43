import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

const PROJECT = join(import.meta.dirname, '../../..')
const { version: release } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))

/** The module as a deployment bundles it. */
async function versionWith(define: Record<string, string>) {
  const entry = join(PROJECT, 'src/http/version.ts')
  const options = { bundle: true, write: false, format: 'esm', define } as const
  const { outputFiles } = await build({ ...options, entryPoints: [entry] })
  const module = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')
  const { fullVersion, version } = await import(`data:text/javascript;base64,${module}`)
  return [fullVersion, version.version, version.revision]
}

it('the version is the one of package.json, with the commit that a deployment was given', async () => {
  expect(await versionWith({})).toEqual([release, release, ''])
  const commit = 'e7a814d3ccb56db03860bc2747fe58212e84ab25'
  expect(await versionWith({ EDGEMDM_COMMIT: JSON.stringify(commit) })).toEqual([
    `${release}+e7a814d3`,
    release,
    commit,
  ])
})
