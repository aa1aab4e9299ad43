/** The names of the files in the repository. Each is the key of its object in the bucket too. */

/** The path by which devices fetch a file; its name follows. */
export const REPO_PATH = '/repo/'

/** No folders, and nothing that a terminal cannot show. A dot begins the names of unfinished uploads. */
const NAME = /^(?!\.)[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}/\\]{1,200}$/u

export const NAME_RULE =
  'has 1 to 200 characters, no slash, no backslash and no control character, and does not begin with a dot'

export function isRepoName(text: string): boolean {
  return NAME.test(text)
}

/** The file that a path of this server such as `/repo/agent.plist` names; `undefined` for other texts. */
export function repoNameIn(path: string): string | undefined {
  if (!path.startsWith(REPO_PATH)) {
    return undefined
  }
  try {
    const name = decodeURIComponent(path.slice(REPO_PATH.length))
    return isRepoName(name) ? name : undefined
  } catch {
    return undefined
  }
}

/** The last part of a path: MicroMDM's clients may send one. */
export function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? ''
}

/**
 * MicroMDM's types, where devices care (docs/apps-and-files.md). A browser shows none of them as a page, and
 * runs no script of a file.
 */
const TYPES: Readonly<Record<string, string>> = {
  pkg: 'application/x-xar',
  plist: 'text/xml; charset=utf-8',
  mobileconfig: 'application/x-apple-aspen-config',
  dmg: 'application/x-apple-diskimage',
  zip: 'application/zip',
  png: 'image/png',
  jpg: 'image/jpeg',
}

/** The media type of a file, by the end of its name. */
export function typeOfName(name: string): string {
  return TYPES[endOf(name)] ?? 'application/octet-stream'
}

/** What follows the last dot, in lower case; empty without a dot. */
export function endOf(name: string): string {
  return /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? ''
}
