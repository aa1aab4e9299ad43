import { clock } from '../../clock.ts'
import { joinSet, leaveSets, setsOfEnrollment } from '../../directory/declarations/members.ts'
import {
  addToSet,
  declarationsOfSet,
  listSets,
  removeFromSet,
  setsOfDeclaration,
} from '../../directory/declarations/sets.ts'
import type { ChangeTime } from '../../directory/declarations/changes.ts'
import { beginOffers } from '../../jobs/declarations/begin.ts'
import type { AppContext } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { changeAnswer, listAnswer } from './answer.ts'
import { enrollmentNamed, idIn, notifies } from './request.ts'

export async function getSets(c: AppContext): Promise<Response> {
  const sets = await listSets(c.env.DB)
  return listAnswer(sets.filter(({ declarations }) => declarations > 0).map(({ name }) => name))
}

export async function getSetDeclarations(c: AppContext): Promise<Response> {
  return listAnswer(await declarationsOfSet(c.env.DB, idIn(c)))
}

export async function getDeclarationSets(c: AppContext): Promise<Response> {
  return listAnswer(await setsOfDeclaration(c.env.DB, idIn(c)))
}

export async function getEnrollmentSets(c: AppContext): Promise<Response> {
  return listAnswer(await setsOfEnrollment(c.env.DB, enrollmentNamed(idIn(c))))
}

export function putSetDeclaration(c: AppContext): Promise<Response> {
  return change(c, async (when) => {
    const written = await addToSet(c.env.DB, setNamed(idIn(c)), declarationIn(c), when)
    if (written === 'unknown') {
      throw new RequestError('declaration not found')
    }
    return written
  })
}

export function deleteSetDeclaration(c: AppContext): Promise<Response> {
  return change(c, (when) => removeFromSet(c.env.DB, idIn(c), declarationIn(c), when))
}

export function putEnrollmentSet(c: AppContext): Promise<Response> {
  return change(c, (when) => joinSet(c.env.DB, enrollmentNamed(idIn(c)), setNamed(setIn(c)), when))
}

export function deleteEnrollmentSet(c: AppContext): Promise<Response> {
  return change(c, (when) => leaveSets(c.env.DB, enrollmentNamed(idIn(c)), setIn(c), when))
}

export function deleteEnrollmentSets(c: AppContext): Promise<Response> {
  return change(c, (when) => leaveSets(c.env.DB, enrollmentNamed(idIn(c)), undefined, when))
}

async function change(
  c: AppContext,
  write: (when: ChangeTime) => Promise<'changed' | 'same'>,
): Promise<Response> {
  const notify = notifies(c)
  const changed = (await write({ now: clock.now(), notify })) === 'changed'
  if (changed && notify) {
    await beginOffers(c.env)
  }
  return changeAnswer(changed)
}

function declarationIn(c: AppContext): string {
  const id = c.req.query('declaration') ?? ''
  if (id === '') {
    throw new RequestError('empty declaration')
  }
  return id
}

function setIn(c: AppContext): string {
  const set = c.req.query('set') ?? ''
  if (set === '') {
    throw new RequestError('empty set name')
  }
  return set
}

/** A name for a set that may be new. */
function setNamed(name: string): string {
  if (!/^(?!\*$)[^\p{Cc}]{1,200}$/u.test(name)) {
    throw new RequestError(
      'the name of a set has 1 to 200 characters without control characters, and is not *',
      400,
    )
  }
  return name
}
