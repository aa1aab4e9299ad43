import { clock } from '../../clock.ts'
import { loadCatalog } from '../../directory/declarations/catalog.ts'
import {
  EVERY_DEVICE,
  noteChangeOf,
  NOTIFY_ALL,
  RAISE_REVISION,
} from '../../directory/declarations/changes.ts'
import { writeAll } from '../../directory/sql.ts'
import { beginOffers } from '../../jobs/declarations/begin.ts'
import { faultOfId, splitEnrollmentId } from '../../mdm/enrollment.ts'
import type { AppContext } from '../app-env.ts'
import { changeAnswer } from './answer.ts'

/**
 * Lets the devices of the named declarations, sets and ids synchronise, whether or not something has changed
 * for them. All devices hear of the changes that were made with `nonotify`. A name that leads to no device is
 * left out: KMFDDM answers 204 to each request.
 */
export async function notifyDevices(c: AppContext): Promise<Response> {
  const [declarations, named, ids] = ['declaration', 'set', 'id'].map(
    (key) => c.req.queries(key) ?? [],
  )
  const { sets } = await loadCatalog(c.env.DB)
  const wanted = new Set(declarations)
  const concerned = [...sets.values()].filter(({ members }) =>
    members.some((one) => wanted.has(one)),
  )
  const names = new Set([...(named ?? []), ...concerned.map(({ name }) => name)])
  const known = (ids ?? []).filter((id) => faultOfId(id) === undefined)
  const devices = new Set(known.map((id) => splitEnrollmentId(id).device))
  const when = { now: clock.now(), notify: true }
  const targets = [
    ...[...names].filter((set) => set !== '' && set !== EVERY_DEVICE).map((set) => ({ set })),
    ...[...devices].map((device) => ({ device })),
  ]
  await writeAll(c.env.DB, [
    ...(targets.length > 0 ? [RAISE_REVISION] : []),
    ...targets.map((target) => noteChangeOf(target, when, true)),
    NOTIFY_ALL,
  ])
  await beginOffers(c.env)
  return changeAnswer(true)
}
