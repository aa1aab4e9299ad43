import type { Rollout } from '../../ddm/item.ts'
import { readDeclaration } from './edit.ts'
import { declarationsNaming } from './files.ts'
import { type OtherVersion, type Put, putDeclaration } from './put.ts'

export interface FilesChanged {
  /** Identifiers of the declarations that have new contents. */
  readonly changed: string[]
  /** Those that contradict the new file, and why. */
  readonly refused: { readonly identifier: string; readonly detail: string }[]
}

/**
 * Stores the declarations that name a file again, with its new content. One in a staged roll-out stays in it:
 * the others keep what they had before.
 */
export async function filesChanged(
  d1: D1Database,
  name: string,
  { origin, now }: { readonly origin: string; readonly now: number },
): Promise<FilesChanged> {
  const changed: string[] = []
  const refused: { identifier: string; detail: string }[] = []
  for (const identifier of await declarationsNaming(d1, name)) {
    const put = await storeAgain(d1, identifier, { origin, now })
    if (put?.kind === 'refused') {
      refused.push({ identifier, detail: put.faults.map(({ detail }) => detail).join('; ') })
    } else if (put && put.kind !== 'same') {
      changed.push(identifier)
    }
  }
  return { changed, refused }
}

/** A person may change it meanwhile: then that content is stored again. `undefined`: it was deleted. */
async function storeAgain(
  d1: D1Database,
  identifier: string,
  { origin, now }: { readonly origin: string; readonly now: number },
): Promise<Exclude<Put, OtherVersion> | undefined> {
  for (;;) {
    const row = await readDeclaration(d1, identifier)
    if (!row) {
      return undefined
    }
    const { type, payload, version } = row
    const rollout: Rollout | undefined = row.rollout ? JSON.parse(row.rollout) : undefined
    const share = rollout && { percent: rollout.percent }
    const sent = { identifier, type, payload, origin, force: true, ifVersion: version, ...share }
    const put = await putDeclaration(d1, sent, { notify: true, now })
    if (put.kind !== 'moved') {
      return put
    }
  }
}
