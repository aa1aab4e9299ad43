import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'

/** How many results of a name are kept: of trees that were checked out lately. */
const KEPT = 8

/** Npm writes here which packages are installed. */
const INSTALLED = 'node_modules/.package-lock.json'

/**
 * What `make` makes of files of the project and of the installed packages. It is made once, and kept in
 * `node_modules/.cache` until one of the files has other content or npm installs other packages.
 *
 * @param name of the result
 * @param of the files and folders of the project from which it is made
 */
export async function cached<Made>(
  projectDir: string,
  name: string,
  of: readonly string[],
  make: () => Promise<Made>,
): Promise<Made> {
  if (!existsSync(join(projectDir, INSTALLED))) {
    return make()
  }
  const key = keyOf(projectDir, of)
  const folder = join(projectDir, 'node_modules/.cache/edgemdm')
  const file = join(folder, `${name}-${key}`)
  const kept = read(file)
  if (kept) {
    return deserialize(kept)
  }
  const made = await make()
  // A file that was saved meanwhile may be in it.
  if (keyOf(projectDir, of) === key) {
    keep(folder, name, file, serialize(made))
  }
  return made
}

function keyOf(projectDir: string, of: readonly string[]): string {
  const hash = createHash('sha256').update(projectDir)
  for (const file of [INSTALLED, ...of].flatMap((part) => filesIn(projectDir, part))) {
    const content = readFileSync(join(projectDir, file))
    hash.update(`\0${file}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 32)
}

/** A file, or all files of a folder; none of what is not there. */
function filesIn(projectDir: string, part: string): readonly string[] {
  const found = statSync(join(projectDir, part), { throwIfNoEntry: false })
  if (!found?.isDirectory()) {
    return found ? [part] : []
  }
  const entries = readdirSync(join(projectDir, part), { withFileTypes: true })
  return entries
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${part}/${entry.name}`
      return entry.isDirectory() ? filesIn(projectDir, path) : [path]
    })
}

function read(file: string): Buffer | undefined {
  try {
    const content = readFileSync(file)
    // The oldest ones are removed.
    utimesSync(file, new Date(), new Date())
    return content
  } catch {
    return undefined
  }
}

/** Others may read and write the folder at the same time. One that cannot be written keeps nothing. */
function keep(folder: string, name: string, file: string, content: Buffer): void {
  try {
    mkdirSync(folder, { recursive: true })
    const fresh = `${file}.${process.pid}.new`
    writeFileSync(fresh, content)
    renameSync(fresh, file)
    const all = readdirSync(folder).filter((entry) => entry.startsWith(`${name}-`))
    const byAge = all
      .map((entry) => ({ entry, used: statSync(join(folder, entry)).mtimeMs }))
      .toSorted((one, other) => other.used - one.used)
    for (const { entry } of byAge.slice(KEPT)) {
      rmSync(join(folder, entry), { force: true })
    }
  } catch {
    // It is made anew next time.
  }
}
