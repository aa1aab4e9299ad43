/** The code of the tree: what decides whether a deploy would change anything. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The commit of the tree, with a plus for changes that are not committed; undefined outside of git. */
export function commitOf(projectDir: string): string | undefined {
  const head = git(projectDir, ['rev-parse', '--short=12', 'HEAD'])
  return head && head + (git(projectDir, ['status', '--porcelain', '-uno']) ? '+' : '')
}

/** The arguments of wrangler by which a deployment, and the Worker's `/version`, name the commit. */
export function commitArguments(commit: string | undefined): string[] {
  return commit === undefined
    ? []
    : ['--message', commit, '--define', `EDGEMDM_COMMIT:${JSON.stringify(commit)}`]
}

/** How many commits the tree is ahead; undefined when git cannot tell. */
export function commitsSince(projectDir: string, commit: string | undefined): number | undefined {
  const from = commit?.replace('+', '')
  const count = from && git(projectDir, ['rev-list', '--count', `${from}..HEAD`])
  return count ? Number(count) : undefined
}

function git(projectDir: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', args, {
      cwd: projectDir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return undefined
  }
}

/** Programs of this machine, which no Worker has. */
const NOT_DEPLOYED = /^(cli|simulator)(\/|$)/

/** A digest of all that decides what code is deployed. */
export function digestOfCode(projectDir: string): string {
  const hash = createHash('sha256')
  const sources = readdirSync(join(projectDir, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(projectDir, 'src/').length))
    .filter((path) => !NOT_DEPLOYED.test(path))
    .toSorted()
    .map((path) => join('src', path))
  for (const path of [...sources, 'package.json', 'package-lock.json']) {
    if (existsSync(join(projectDir, path))) {
      hash
        .update(`${path}\0`)
        .update(readFileSync(join(projectDir, path)))
        .update('\0')
    }
  }
  return hash.digest('hex')
}

/** Names of the migrations in a directory, in their order. */
export function migrationsIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
}
