import { z } from '../zod.ts'
import { loadCatalog } from '../../../directory/declarations/catalog.ts'
import { readDeclaration } from '../../../directory/declarations/edit.ts'
import { compileSent, type SentDeclaration } from '../../../directory/declarations/put.ts'
import {
  changeLinks,
  linkChange,
  setsOfDeclaration,
  type Link,
} from '../../../directory/declarations/sets.ts'
import type { DeclarationItem } from '../../../ddm/item.ts'
import type { Env } from '../../../env.ts'
import { beginRollout } from '../../../jobs/declarations/rollout.ts'
import { baseUrl } from '../../host.ts'
import { newRoutes } from '../new-routes.ts'
import { body, operation, OTHER_VERSION } from '../operation.ts'
import { shortPageQuery } from '../paging.ts'
import { flag, readVersion } from '../values.ts'
import { previewItem } from './preview.ts'
import { newRollout, planOf } from './rollout.ts'
import {
  DECLARATION_EXAMPLE,
  DECLARATION_PARAMS,
  PAYLOAD_EXAMPLE,
  payloadObject,
  requireSets,
  SET_EXAMPLE_ID,
  setName,
} from './schema.ts'
import { refusedBy, storeContent, storedAnswers, type StoredJson } from './store.ts'
import { changeCatalog, writeQuery } from './write.ts'

/** Stores a declaration, or shows who would get it. */
export const declarationPutRoutes = newRoutes()

const MAX_SETS = 100

const wanted = z
  .strictObject({
    type: z.string().max(200).openapi({ description: 'Apple’s Type, `com.apple.<kind>.…`' }),
    payload: payloadObject.openapi({ description: 'Apple’s Payload, up to 1 MB' }),
    sets: z.array(setName).max(MAX_SETS).optional().openapi({
      description: 'all sets that it is in; its sets stay as they are if left out',
    }),
    rollout: newRollout.optional().openapi({
      description:
        'the content goes to a growing share of the devices; the others keep the one before',
    }),
  })
  .openapi('PutDeclarationRequest')

const EXAMPLE = { type: DECLARATION_EXAMPLE.type, payload: PAYLOAD_EXAMPLE }

declarationPutRoutes.openapi(
  operation('putDeclaration', 'put', '/declarations/{id}', {
    tags: ['Declarations'],
    summary: 'Stores a declaration; devices of its sets hear of it',
    description:
      'The server makes ServerToken of the content: the same content changes nothing. With `dry_run` ' +
      'nothing is stored: `preview` is a page of the devices of its sets, and whether they would get it.',
    params: DECLARATION_PARAMS,
    query: {
      ...writeQuery,
      force: flag.default(false).openapi({ description: 'stores it despite its faults' }),
      if_version: readVersion,
      dry_run: flag.default(false).openapi({ description: 'shows who would get it' }),
      ...shortPageQuery,
    },
    body: body(wanted, {
      plain: EXAMPLE,
      sets: { ...EXAMPLE, sets: [SET_EXAMPLE_ID] },
      staged: { ...EXAMPLE, rollout: { steps: [5, 25, 100], wait_minutes: 60 } },
    }),
    answers: storedAnswers,
    problems: {
      400: 'faults by Apple’s schema: `errors` has their places; `force` stores it all the same',
      404: 'one of the sets does not exist',
      ...OTHER_VERSION,
    },
  }),
  async (c) => {
    const { id: identifier } = c.req.valid('param')
    const { dry_run: isDry, force, notify, if_version: ifVersion, ...page } = c.req.valid('query')
    const { type, payload, sets, rollout } = c.req.valid('json')
    const sent = {
      identifier,
      type,
      payload: JSON.stringify(payload),
      origin: baseUrl(c),
      force,
      ifVersion,
    }
    await requireSets(c.env.DB, sets ?? [], 'json.sets')
    if (isDry) {
      return c.json(await dryRun(c.env, sent, sets, page), 200)
    }
    const staged = { ...sent, ...(rollout && { percent: 0 }) }
    const { isNew, isStored, json } = await changeCatalog(c.env, { notify }, async (d1, when) => {
      const stored = await storeContent(d1, staged, when)
      const moved = sets && (await settleSets(d1, identifier, sets, when))
      const changed = stored.isStored || moved === true
      return { ...stored, json: { ...stored.json, changed } }
    })
    if (rollout && isStored) {
      await beginRollout(c.env, { identifier, version: json.version }, planOf(rollout))
    }
    return c.json(json, isNew ? 201 : 200)
  },
)

async function settleSets(
  d1: D1Database,
  id: string,
  sets: readonly string[],
  when: Parameters<typeof changeLinks>[2],
): Promise<boolean> {
  const before = await setsOfDeclaration(d1, id)
  const change = linkChange(before, sets, (set): Link => [set, id])
  return (await changeLinks(d1, change, when)) === 'changed'
}

const NO_DEVICES =
  'no device is in its sets: add members to one (POST /api/sets/{id}/members), or give one a rule'

async function dryRun(
  env: Env,
  sent: SentDeclaration,
  sets: readonly string[] | undefined,
  page: Parameters<typeof previewItem>[3],
): Promise<StoredJson> {
  const { identifier } = sent
  const compiled = await compileSent(env.DB, sent, await loadCatalog(env.DB))
  if (compiled.kind === 'refused') {
    throw refusedBy(compiled)
  }
  const { warnings } = compiled
  const item: DeclarationItem = { ...compiled.item, identifier }
  const [row, before] = await Promise.all([
    readDeclaration(env.DB, identifier),
    setsOfDeclaration(env.DB, identifier),
  ])
  const stored: DeclarationItem | undefined = row && JSON.parse(row.item)
  const names = sets ?? before
  const preview = await previewItem(env, item, names, page)
  const isForNone = preview.items.length === 0 && page.cursor === undefined
  return {
    id: identifier,
    version: row?.version ?? null,
    changed: stored?.token !== item.token || names.toSorted().join('\n') !== before.join('\n'),
    warnings: [...warnings, ...(isForNone ? [NO_DEVICES] : [])],
    preview,
  }
}
