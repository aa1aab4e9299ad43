import { z } from '../../zod.ts'
import { MAX_OFFERED } from '../../../../ddm/manifest/manifest.ts'
import { missingDeclarations } from '../../../../directory/declarations/read.ts'
import {
  addToSet,
  deleteSet,
  listSets,
  putSet,
  readSet,
  removeFromSet,
  type SetRow,
} from '../../../../directory/declarations/sets.ts'
import { faultAt, movedOn } from '../../../request-error.ts'
import { newRoutes } from '../../new-routes.ts'
import { body, DONE, operation, OTHER_VERSION } from '../../operation.ts'
import { listOf, pageOfRows, pageQuery, readCursor, writeCursor } from '../../paging.ts'
import { readVersion } from '../../values.ts'
import { newRule, readRule } from './rule.ts'
import {
  DECLARATION_EXAMPLE_ID,
  declarationId,
  NO_SET,
  requireSets,
  SET_PARAMS,
  unknownDeclaration,
} from '../schema.ts'
import { refuseOwned, SET_EXAMPLE, setAnswer, setJson, setSchema, showSet } from './json.ts'
import { changeCatalog, writeQuery } from '../write.ts'

/** Sets: which devices get which declarations. */
export const declarationSetRoutes = newRoutes()

const tags = ['Sets']
const OWNED = { 409: 'a part of the server makes this set: `detail` names it' }

declarationSetRoutes.openapi(
  operation('listSets', 'get', '/sets', {
    tags,
    summary: 'Lists the sets by their names, those with members alone left out',
    query: pageQuery,
    answers: { 200: listOf('a page of sets', setSchema, SET_EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit } = c.req.valid('query')
    const [after = ''] = readCursor(cursor, /^set (.+)$/s) ?? []
    const all = await listSets(c.env.DB)
    const rows = all.filter(({ name }) => name > after)
    const page = pageOfRows({ rows, total: after === '' ? all.length : null }, limit, {
      item: setJson,
      cursor: ({ name }) => writeCursor(`set ${name}`),
    })
    return c.json(page, 200)
  },
)

declarationSetRoutes.openapi(
  operation('getSet', 'get', '/sets/{id}', {
    tags,
    summary: 'A set: its rule, its declarations, and how many members it has',
    params: SET_PARAMS,
    answers: { 200: setAnswer },
    problems: NO_SET,
  }),
  async (c) => c.json(await showSet(c.env.DB, c.req.valid('param').id), 200),
)

const wanted = z.strictObject({
  description: z.string().max(1000).nullish().openapi({ description: 'for people' }),
  rule: newRule
    .nullish()
    .openapi({ description: '`{}` takes every device; null removes the rule' }),
  declarations: z.array(declarationId).max(MAX_OFFERED).optional().openapi({
    description: 'all declarations of the set',
  }),
})

declarationSetRoutes.openapi(
  operation('putSet', 'put', '/sets/{id}', {
    tags,
    summary: 'Makes a set, or changes it: a part that is left out stays as it is',
    params: SET_PARAMS,
    query: { ...writeQuery, if_version: readVersion },
    body: body(wanted, {
      macs: { description: 'every Mac', rule: { platform: ['macOS'], os_version_from: '14' } },
      declarations: { declarations: [DECLARATION_EXAMPLE_ID] },
    }),
    answers: { 200: setAnswer },
    problems: {
      404: 'one of the declarations does not exist',
      409: `${OWNED[409]}; or ${OTHER_VERSION[409]}`,
    },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    const { declarations = [] } = c.req.valid('json')
    const before = await refuseOwned(c.env.DB, name)
    const [missing] = await missingDeclarations(c.env.DB, declarations)
    if (missing !== undefined) {
      throw faultAt(
        'json.declarations',
        unknownDeclaration(missing).message,
        'declaration_not_found',
      )
    }
    const { if_version: ifVersion, notify } = c.req.valid('query')
    const refuseMoved = ({ version }: SetRow): void => {
      if (ifVersion !== undefined && version !== ifVersion) {
        throw movedOn(`the set ${name}`, version)
      }
    }
    refuseMoved(before)
    const set = { ...changedSet(before, c.req.valid('json')), ifVersion }
    await changeCatalog(c.env, { notify }, async (d1, when) => {
      try {
        await putSet(d1, set, when)
      } catch (error) {
        refuseMoved(await readSet(d1, name))
        throw error
      }
    })
    return c.json(await showSet(c.env.DB, name), 200)
  },
)

function changedSet(before: SetRow, { description, rule, declarations }: z.infer<typeof wanted>) {
  const kept = before.rule === '' ? undefined : JSON.parse(before.rule)
  return {
    name: before.name,
    description: description === undefined ? before.description : (description ?? ''),
    rule: rule === undefined ? kept : rule === null ? undefined : readRule(rule),
    declarations,
  }
}

declarationSetRoutes.openapi(
  operation('deleteSet', 'delete', '/sets/{id}', {
    tags,
    summary:
      'Deletes a set: its devices lose its declarations; members stay, for a set of that name',
    params: SET_PARAMS,
    query: writeQuery,
    answers: { 204: DONE },
    problems: { ...NO_SET, ...OWNED },
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    await requireSets(c.env.DB, [name])
    await refuseOwned(c.env.DB, name)
    await changeCatalog(c.env, c.req.valid('query'), (d1, when) => deleteSet(d1, name, when))
    return c.body(null, 204)
  },
)

const linkParams = {
  ...SET_PARAMS,
  declaration_id: declarationId.openapi({
    param: { name: 'declaration_id', in: 'path' },
    description: 'the declaration’s identifier',
    example: DECLARATION_EXAMPLE_ID,
  }),
}

for (const [operationId, method, summary, write] of [
  ['addDeclarationToSet', 'put', 'Puts a declaration into a set', addToSet],
  ['removeDeclarationFromSet', 'delete', 'Takes a declaration out of a set', removeFromSet],
] as const) {
  declarationSetRoutes.openapi(
    operation(operationId, method, '/sets/{id}/declarations/{declaration_id}', {
      tags,
      summary,
      params: linkParams,
      query: writeQuery,
      answers: { 200: setAnswer },
      problems: { ...OWNED, 404: 'no such set or declaration' },
    }),
    async (c) => {
      const { id: name, declaration_id: declaration } = c.req.valid('param')
      await requireSets(c.env.DB, [name])
      await refuseOwned(c.env.DB, name)
      const written = await changeCatalog(c.env, c.req.valid('query'), (d1, when) =>
        write(d1, name, declaration, when),
      )
      if (written === 'unknown') {
        throw unknownDeclaration(declaration)
      }
      return c.json(await showSet(c.env.DB, name), 200)
    },
  )
}
