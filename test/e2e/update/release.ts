import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { PROJECT } from '../server.ts'
import { buildCode, type Code } from './deployment.ts'

/** A release and the commit that its tag `v{version}` names: a clone of a CI may have no tags. */
export interface Release {
  readonly version: string
  readonly commit: string
}

/** All of them, the newest last. */
export const RELEASES: readonly Release[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'releases.json'), 'utf8'),
)

/** What makes a Worker. */
const PARTS = ['src', 'migrations', 'wrangler.toml', 'package.json']

/** @throws Error when `releases.json` lists none */
export function newestRelease(): Release {
  const newest = RELEASES.at(-1)
  if (!newest) {
    throw new Error('test/e2e/update/releases.json lists no release')
  }
  return newest
}

/**
 * The tree of a release in a directory of its own, with the packages of this tree.
 *
 * @throws Error when the clone lacks the commit, or has another one under its tag
 */
function checkOut({ version, commit }: Release): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: PROJECT, stdio: 'pipe', encoding: 'utf8' }).trim()
  const known = (name: string): string | undefined => {
    try {
      return git('rev-parse', '--quiet', '--verify', `${name}^{commit}`)
    } catch {
      return undefined
    }
  }
  if (known(commit) === undefined) {
    throw new Error(
      `this clone lacks commit ${commit} of release ${version}, with which updates are tested: ` +
        'run `git fetch --unshallow`, or let the CI clone the whole history',
    )
  }
  const tagged = known(`refs/tags/v${version}`) ?? commit
  if (tagged !== commit) {
    throw new Error(
      `the tag v${version} names ${tagged}, and test/e2e/update/releases.json ${commit}: correct one of them`,
    )
  }
  const directory = mkdtempSync(join(tmpdir(), 'edgemdm-release-'))
  const archive = join(directory, 'tree.tar')
  git('archive', '--output', archive, commit, ...PARTS)
  execFileSync('tar', ['-xf', archive, '-C', directory])
  symlinkSync(join(PROJECT, 'node_modules'), join(directory, 'node_modules'))
  return directory
}

interface Packed extends Omit<Code, 'objects'> {
  readonly objects: readonly (readonly [binding: string, className: string])[]
}

/**
 * The code of a release, out of `releases/`: tests need no git. A file that is missing is made from git.
 *
 * @throws Error when it was missing
 */
export async function codeOfRelease(release: Release): Promise<Code> {
  const file = join(import.meta.dirname, 'releases', `${release.version}.json.br`)
  if (!existsSync(file)) {
    const { objects, script, options, migrations } = await buildRelease(release)
    const packed: Packed = {
      migrations,
      objects: [...objects],
      // Without the places on the disk where it was made.
      script: script.replaceAll(/^\/\/ .*\.\w+$/gm, ''),
      options: { ...options, rootPath: undefined },
    }
    writeFileSync(file, brotliCompressSync(JSON.stringify(packed)))
    throw new Error(`${file} was missing and is made now: commit it`)
  }
  const { objects, ...code }: Packed = JSON.parse(
    brotliDecompressSync(readFileSync(file)).toString(),
  )
  return { ...code, objects: new Map(objects) }
}

async function buildRelease(release: Release): Promise<Code> {
  const directory = checkOut(release)
  try {
    return await buildCode(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
