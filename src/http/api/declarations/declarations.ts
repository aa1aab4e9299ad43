import { z } from '../zod.ts'
import { NOTIFY_ALL } from '../../../directory/declarations/changes.ts'
import { deleteDeclaration, touchDeclaration } from '../../../directory/declarations/edit.ts'
import { listDeclarations, listVersions } from '../../../directory/declarations/read.ts'
import {
  changeLinks,
  setsOfDeclaration,
  setsOfDeclarations,
  type Link,
} from '../../../directory/declarations/sets.ts'
import { countStates } from '../../../directory/declarations/states.ts'
import { write } from '../../../directory/sql.ts'
import { beginOffers } from '../../../jobs/declarations/begin.ts'
import { RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, DONE, operation } from '../operation.ts'
import { listOf, pageOfRows, pageQuery, readCursor, writeCursor } from '../paging.ts'
import { flag } from '../values.ts'
import {
  DECLARATION_EXAMPLE,
  DECLARATION_PARAMS,
  declarationDetailSchema,
  declarationJson,
  declarationJsonSchema,
  knownDeclaration,
  listedDeclarationSchema,
  NO_DECLARATION,
  PAYLOAD_EXAMPLE,
  SET_EXAMPLE_ID,
  STATES_EXAMPLE,
  summaryOf,
  unknownDeclaration,
  VERSION_EXAMPLE,
} from './schema.ts'
import { stateCountsOf, sumOfStates } from './counts.ts'
import { versionJson } from './versions.ts'
import { changeCatalog, writeQuery } from './write.ts'

/** Declarations of the catalog (docs/declarations.md). */
export const declarationRoutes = newRoutes()

const tags = ['Declarations']

// It comes before `/declarations/{id}`, which has other methods.
declarationRoutes.openapi(
  operation('notifyDevices', 'post', '/declarations/notify', {
    tags,
    summary: 'Lets devices hear of the changes that were made with notify=false',
    answers: { 204: DONE },
  }),
  async (c) => {
    await write(c.env.DB, NOTIFY_ALL)
    await beginOffers(c.env)
    return c.body(null, 204)
  },
)

declarationRoutes.openapi(
  operation('listDeclarations', 'get', '/declarations', {
    tags,
    summary: 'Lists declarations by their identifiers, without payloads',
    query: {
      ...pageQuery,
      type: z.string().optional().openapi({ description: 'only of this type' }),
      set: z.string().optional().openapi({ description: 'only of this set' }),
      q: z.string().optional().openapi({ description: 'a part of the identifier or of the type' }),
    },
    answers: {
      200: listOf('a page of declarations', listedDeclarationSchema, {
        ...DECLARATION_EXAMPLE,
        sets: [SET_EXAMPLE_ID],
        states: STATES_EXAMPLE,
      }),
    },
  }),
  async (c) => {
    const { cursor, limit, ...filter } = c.req.valid('query')
    const [after = ''] = readCursor(cursor, /^declaration (.+)$/s) ?? []
    const rows = await listDeclarations(c.env.DB, { after, limit: limit + 1, ...filter })
    const ids = rows.map(({ identifier }) => identifier)
    const [sets, counts] = await Promise.all([
      setsOfDeclarations(c.env.DB, ids),
      stateCountsOf(c.env),
    ])
    const setsOf = Map.groupBy(sets, ({ identifier }) => identifier)
    const page = pageOfRows({ rows, total: null }, limit, {
      item: (row) => ({
        ...declarationJson(row),
        sets: setsOf.get(row.identifier)?.map(({ name }) => name) ?? [],
        states: counts(row.identifier),
      }),
      cursor: ({ identifier }) => writeCursor(`declaration ${identifier}`),
    })
    return c.json(page, 200)
  },
)

declarationRoutes.openapi(
  operation('getDeclaration', 'get', '/declarations/{id}', {
    tags,
    summary: 'A declaration: payload, sets, versions, and how many channels have it in which state',
    params: DECLARATION_PARAMS,
    answers: {
      200: answer('the declaration', declarationDetailSchema, {
        ...DECLARATION_EXAMPLE,
        payload: PAYLOAD_EXAMPLE,
        sets: [SET_EXAMPLE_ID],
        versions: [VERSION_EXAMPLE],
        states: STATES_EXAMPLE,
      }),
    },
    problems: NO_DECLARATION,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const row = await knownDeclaration(c.env.DB, id)
    const [sets, versions, counts] = await Promise.all([
      setsOfDeclaration(c.env.DB, id),
      listVersions(c.env.DB, id),
      countStates(c.env.DB, [id]),
    ])
    const states = sumOfStates(counts)
    const payload: Record<string, unknown> = JSON.parse(row.payload)
    const detail = { payload, sets, versions: versions.map(versionJson), states }
    return c.json({ ...declarationJson(summaryOf(row)), ...detail }, 200)
  },
)

declarationRoutes.openapi(
  operation('deleteDeclaration', 'delete', '/declarations/{id}', {
    tags,
    summary: 'Deletes a declaration that is in no set; its versions are kept for 30 days',
    params: DECLARATION_PARAMS,
    query: {
      ...writeQuery,
      from_sets: flag.default(false).openapi({
        description: '`true` takes it out of its sets first: devices remove it',
      }),
    },
    answers: { 204: DONE },
    problems: { ...NO_DECLARATION, 409: 'it is in sets: `detail` names them' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { from_sets: fromSets, ...query } = c.req.valid('query')
    const outcome = await changeCatalog(c.env, query, async (d1, when) => {
      const sets = fromSets ? await setsOfDeclaration(d1, id) : []
      await changeLinks(d1, { add: [], remove: sets.map((set): Link => [set, id]) }, when)
      return deleteDeclaration(d1, id, when.now)
    })
    if (outcome.kind === 'unknown') {
      throw unknownDeclaration(id)
    }
    if (outcome.kind === 'used') {
      throw new RequestError(
        `${id} is in ${outcome.sets.join(', ')}: ?from_sets=true takes it out of its sets first`,
        'declaration_in_use',
      )
    }
    return c.body(null, 204)
  },
)

declarationRoutes.openapi(
  operation('touchDeclaration', 'post', '/declarations/{id}/touch', {
    tags,
    summary: 'Lets every device of a declaration fetch it again, unchanged',
    params: DECLARATION_PARAMS,
    query: writeQuery,
    answers: { 200: answer('the declaration', declarationJsonSchema, DECLARATION_EXAMPLE) },
    problems: NO_DECLARATION,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    await changeCatalog(c.env, c.req.valid('query'), (d1, when) => touchDeclaration(d1, id, when))
    return c.json(declarationJson(summaryOf(await knownDeclaration(c.env.DB, id))), 200)
  },
)
