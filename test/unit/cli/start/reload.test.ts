import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { reloader, watchTree } from '../../../../src/cli/start/reload.ts'

const cleanUps: (() => void)[] = []
afterEach(() => cleanUps.splice(0).forEach((cleanUp) => cleanUp()))

it('changes during a reload lead to one more reload', async () => {
  const reloads: PromiseWithResolvers<boolean>[] = []
  const said: string[] = []
  const reload = (): Promise<boolean> => {
    const reloading = Promise.withResolvers<boolean>()
    reloads.push(reloading)
    return reloading.promise
  }
  const changed = reloader({ reload }, (text) => said.push(text))
  const done = changed()
  void changed()
  void changed()
  expect(reloads).toHaveLength(1)
  reloads[0]?.resolve(true)
  await expect.poll(() => reloads).toHaveLength(2)
  reloads[1]?.resolve(false)
  await done
  expect(said).toEqual(['reloaded'])
})

it('source that cannot be built is reported, and the next change reloads', async () => {
  const said: string[] = []
  const results = [Promise.reject(new Error('a bracket is missing')), Promise.resolve(true)]
  results.forEach((result) => void result.catch(() => undefined))
  const reload = (): Promise<boolean> => results.shift() ?? Promise.resolve(false)
  const changed = reloader({ reload }, (text) => said.push(text))
  await changed()
  await changed()
  expect(said).toEqual(['not reloaded: a bracket is missing', 'reloaded'])
})

it('a file that is replaced, one in a new folder, and one that changes twice are seen', async () => {
  const root = mkdtempSync(join(tmpdir(), 'edgemdm-test-'))
  const file = join(root, 'a.ts')
  const write = (path: string): void => writeFileSync(path, 'x')
  write(file)
  let seen = Promise.withResolvers<void>()
  const end = watchTree(root, () => seen.resolve())
  cleanUps.push(end, () => rmSync(root, { recursive: true }))
  for (const change of [
    () => (write(`${file}.new`), renameSync(`${file}.new`, file)),
    () => write(file),
    () => mkdirSync(join(root, 'folder')),
    () => write(join(root, 'folder', 'b.ts')),
  ]) {
    seen = Promise.withResolvers()
    change()
    await seen.promise
  }
})
