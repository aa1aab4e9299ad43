import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { cached } from '../../../../src/cli/build/cache.ts'

let project: string
let made: number

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'edgemdm-cache-'))
  onTestFinished(() => rmSync(project, { recursive: true }))
  made = 0
  mkdirSync(join(project, 'src/inner'), { recursive: true })
  mkdirSync(join(project, 'node_modules'))
  write('node_modules/.package-lock.json', '{}')
  write('src/inner/a.ts', 'a')
  write('wrangler.toml', 'name')
})

const write = (file: string, text: string) => writeFileSync(join(project, file), text)

/** Which of the results it is. */
const make = async () => ({ made: ++made, of: new Map([['ä', 1]]) })
const ask = (name = 'worker') => cached(project, name, ['src', 'wrangler.toml'], make)

it('makes a result once, and answers the same in a later process', async () => {
  expect(await ask()).toEqual({ made: 1, of: new Map([['ä', 1]]) })
  expect(await ask()).toEqual({ made: 1, of: new Map([['ä', 1]]) })
  expect((await ask('other')).made).toBe(2)
})

it.each([
  ['a file of a folder changes', 'src/inner/a.ts', 'b'],
  ['a file comes', 'src/inner/b.ts', ''],
  ['a single file changes', 'wrangler.toml', 'other'],
  ['npm installs other packages', 'node_modules/.package-lock.json', '{"packages":{}}'],
])('makes it anew when %s, and finds the old one when that is undone', async (_, file, text) => {
  const before = await ask()
  write(file, text)
  expect((await ask()).made).toBe(2)
  if (file === 'src/inner/b.ts') {
    rmSync(join(project, file))
  } else {
    write(file, file.endsWith('a.ts') ? 'a' : file.endsWith('.toml') ? 'name' : '{}')
  }
  expect(await ask()).toEqual(before)
})

it('does not keep what a change during the work may have spoiled', async () => {
  await cached(project, 'worker', ['src'], async () => write('src/inner/a.ts', 'b'))
  write('src/inner/a.ts', 'a')
  expect(await cached(project, 'worker', ['src'], make)).toMatchObject({ made: 1 })
})

it('keeps nothing of a failure', async () => {
  const fail = () => Promise.reject(new Error('no build'))
  await expect(cached(project, 'worker', ['src'], fail)).rejects.toThrow('no build')
  expect(await cached(project, 'worker', ['src'], make)).toMatchObject({ made: 1 })
})

it('keeps eight results of a name', async () => {
  for (let n = 0; n < 10; n++) {
    write('wrangler.toml', String(n))
    await ask()
  }
  expect(readdirSync(join(project, 'node_modules/.cache/edgemdm'))).toHaveLength(8)
})

it('makes it each time when npm did not install the packages', async () => {
  rmSync(join(project, 'node_modules/.package-lock.json'))
  await ask()
  expect((await ask()).made).toBe(2)
  expect(readdirSync(join(project, 'node_modules'))).toEqual([])
})
