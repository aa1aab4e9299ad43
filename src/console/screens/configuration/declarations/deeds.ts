import { send } from '../../../api/call.ts'
import type { Done } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { go } from '../../../place/router.ts'
import { heard, toast } from '../../../kit/toast.tsx'
import { counted } from '../../../time/words.ts'

/** What one does with declarations and sets: each says in a toast what came of it, and offers Undo. */

/** Screens read what a change of the catalog makes old. */
export function catalogChanged(): void {
  for (const prefix of ['/api/declaration', '/api/sets', '/api/devices/', '/api/overview']) {
    changed(prefix)
  }
}

/** Lets a device or a user fetch declarations again; all that it is offered without `ids`. */
export async function resend(enrollment: string, ids?: readonly string[]): Promise<void> {
  const answer = await send('post', '/api/devices/{id}/declarations/resend', {
    path: { id: enrollment },
    body: ids ? { ids: [...ids] } : {},
  })
  if (heard(answer)) {
    toast({
      text:
        answer.value.resent === 0
          ? 'Nothing to send: the device is not offered it any more.'
          : 'Sent again: the device fetches it, and reports.',
    })
  }
  catalogChanged()
}

export async function syncDeclarations(enrollment: string): Promise<void> {
  const path = { id: enrollment }
  if (heard(await send('post', '/api/devices/{id}/declarations/sync', { path }))) {
    toast({ text: 'The device is asked to fetch its list.' })
  }
  catalogChanged()
}

export async function touch(id: string): Promise<void> {
  if (heard(await send('post', '/api/declarations/{id}/touch', { path: { id } }))) {
    toast({ text: 'Sent again to all its devices.' })
  }
  catalogChanged()
}

export async function steerRollout(id: string, verb: 'stop' | 'finish'): Promise<void> {
  const path = { id }
  const answer =
    verb === 'stop'
      ? await send('post', '/api/declarations/{id}/rollout/stop', { path })
      : await send('post', '/api/declarations/{id}/rollout/finish', { path })
  if (heard(answer)) {
    toast({
      text: verb === 'stop' ? 'The roll-out has ended at this share.' : 'All devices get it now.',
    })
  }
  catalogChanged()
}

/** Restores a version. Undo restores the one that was there before. */
export async function restoreVersion(id: string, version: number, present?: number): Promise<void> {
  const path = { id, version: String(version) }
  const answer = await send('post', '/api/declarations/{id}/versions/{version}/restore', { path })
  if (heard(answer)) {
    toast({
      text: answer.value.changed
        ? `The content of version ${version} is stored as version ${answer.value.version}.`
        : `Nothing changed: the content is that of version ${version} already.`,
      ...(answer.value.changed &&
        present !== undefined && {
          action: { label: 'Undo', run: () => restoreVersion(id, present) },
        }),
    })
  }
  catalogChanged()
}

/** Deletes a declaration. Undo stores its content anew, in the sets that it was in. */
export async function deleteDeclaration(deleted: Schema<'DeclarationDetail'>): Promise<Done> {
  const { id, sets } = deleted
  const sent = { path: { id }, query: sets.length > 0 ? { from_sets: true } : {} }
  const answer = await send('delete', '/api/declarations/{id}', sent)
  if (answer.ok) {
    toast({
      text: `${id} deleted: devices remove it.`,
      action: { label: 'Undo', run: () => storeAgain(deleted) },
    })
    catalogChanged()
    go('/console/declarations', { replace: true })
  }
  return answer
}

/** A declaration that another person has stored under the id meanwhile is not overwritten. */
async function storeAgain(deleted: Schema<'DeclarationDetail'>): Promise<void> {
  const { id, type, payload, sets } = deleted
  const answer = await send('put', '/api/declarations/{id}', {
    path: { id },
    // The server took its content before, perhaps by force.
    query: { if_version: 0, force: true },
    body: { type, payload, sets: sets.slice(0, MOST_SETS) },
  })
  if (answer.ok) {
    toast({ text: `${id} is there again: devices fetch it.` })
    for (const set of sets.slice(MOST_SETS)) {
      await linkSet(set, id, true, true)
    }
  } else {
    // Its content is only here now.
    const action = { label: 'Try again', run: () => storeAgain(deleted) }
    toast({ text: answer.fault.detail, tone: 'bad', action })
  }
  catalogChanged()
}

/** A call names no more. */
const MOST_SETS = 100

/** Puts a declaration into a set, or takes it out. */
export async function linkSet(
  set: string,
  declaration: string,
  isIn: boolean,
  isUndo = false,
): Promise<void> {
  const sent = { path: { id: set, declaration_id: declaration } }
  const answer = await send(
    isIn ? 'put' : 'delete',
    '/api/sets/{id}/declarations/{declaration_id}',
    sent,
  )
  if (heard(answer)) {
    toast({
      text: isIn ? `${declaration} is in ${set} now.` : `${declaration} is out of ${set}.`,
      ...(!isUndo && {
        action: { label: 'Undo', run: () => linkSet(set, declaration, !isIn, true) },
      }),
    })
  }
  catalogChanged()
}

/** Puts devices and users into a set, or takes them out, a thousand with each call. */
export async function changeMembers(
  set: string,
  ids: readonly string[],
  joins: boolean,
  isUndo = false,
): Promise<boolean> {
  let count = 0
  for (let at = 0; at < ids.length; at += MOST_MEMBERS) {
    const sent = { path: { id: set }, body: { ids: ids.slice(at, at + MOST_MEMBERS) } }
    const answer = joins
      ? await send('post', '/api/sets/{id}/members', sent)
      : await send('post', '/api/sets/{id}/members/remove', sent)
    if (!heard(answer)) {
      catalogChanged()
      return false
    }
    count += answer.value.changed
  }
  const members = counted(count, 'member')
  toast({
    text: joins ? `${members} added to ${set}.` : `${members} taken out of ${set}.`,
    // Of several, some were members before: taking all out would take them out too.
    ...(!isUndo &&
      count === ids.length && {
        action: { label: 'Undo', run: () => changeMembers(set, ids, !joins, true) },
      }),
  })
  catalogChanged()
  return true
}

const MOST_MEMBERS = 1000
