import { z } from '../zod.ts'
import {
  countFailures,
  searchStates,
  type FoundState,
} from '../../../directory/declarations/states.ts'
import type { AppContext } from '../../app-env.ts'
import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import {
  listOf,
  pageOfRows,
  pageQuery,
  placeCursor,
  placeIn,
  several,
  wholeList,
} from '../paging.ts'
import { iso, textOrNull, time } from '../values.ts'
import { declarationState } from '../words.ts'
import {
  DECLARATION_EXAMPLE_ID,
  DECLARATION_PARAMS,
  ENROLLMENT_EXAMPLE_ID,
  knownDeclaration,
  NO_DECLARATION,
  stateFields,
} from './schema.ts'

/** What is true of declarations on the fleet. */
export const declarationStateRoutes = newRoutes()

const tags = ['Declarations']
const found = z
  .object({
    declaration_id: z.string(),
    enrollment_id: z.string(),
    ...stateFields,
    since: time,
  })
  .openapi('DeclarationOnDevice')
const EXAMPLE: z.input<typeof found> = {
  declaration_id: DECLARATION_EXAMPLE_ID,
  enrollment_id: ENROLLMENT_EXAMPLE_ID,
  state: 'failed',
  code: 'Error.ConfigurationCannotBeApplied',
  since: '2026-11-28T09:00:04Z',
}
const filters = {
  state: several(declarationState, 'only in these states'),
  code: z.string().optional().openapi({ description: 'only with this code' }),
}
const statesPage = listOf('a page of declarations on devices', found, EXAMPLE)
/** The only order of the list. */
const ORDER = { word: 'declaration_id' }

interface Asked {
  readonly cursor?: string | undefined
  readonly limit: number
  readonly state?: readonly FoundState['state'][] | undefined
  readonly code?: string | undefined
}

declarationStateRoutes.openapi(
  operation('listStatesOfDeclaration', 'get', '/declarations/{id}/states', {
    tags,
    summary: 'Lists the devices and users of a declaration with its state on each',
    params: DECLARATION_PARAMS,
    query: { ...pageQuery, ...filters },
    answers: { 200: statesPage },
    problems: NO_DECLARATION,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    await knownDeclaration(c.env.DB, id)
    return c.json(await pageOfStates(c, c.req.valid('query'), id), 200)
  },
)

declarationStateRoutes.openapi(
  operation('listDeclarationStates', 'get', '/declaration-states', {
    tags,
    summary: 'Finds devices by the states of their declarations',
    query: {
      ...pageQuery,
      declaration_id: z.string().optional().openapi({ description: 'only of this declaration' }),
      ...filters,
    },
    answers: { 200: statesPage },
  }),
  async (c) => {
    const { declaration_id: id, ...asked } = c.req.valid('query')
    return c.json(await pageOfStates(c, asked, id), 200)
  },
)

const failure = z
  .object({ declaration_id: z.string(), code: z.string().nullable(), count: z.int() })
  .openapi('DeclarationFailure')

declarationStateRoutes.openapi(
  operation('listDeclarationFailures', 'get', '/declaration-failures', {
    tags,
    summary: 'Lists what failed on the fleet: each declaration and code, the most frequent first',
    answers: {
      200: listOf('up to 1000 failures', failure, {
        declaration_id: DECLARATION_EXAMPLE_ID,
        code: EXAMPLE.code,
        count: 3,
      }),
    },
  }),
  async (c) => {
    const rows = await countFailures(c.env.DB)
    const items = rows.map(({ identifier, code, count }) => ({
      declaration_id: identifier,
      code: textOrNull(code),
      count,
    }))
    return c.json(wholeList(items), 200)
  },
)

async function pageOfStates(
  c: AppContext,
  { cursor, limit, state = [], code }: Asked,
  identifier: string | undefined,
) {
  const place = placeIn(cursor, 'declaration-state', ORDER)
  const rows = await searchStates(c.env.DB, {
    identifier,
    states: state,
    code,
    after: [String(place?.value ?? ''), place?.id ?? ''],
    limit: limit + 1,
  })
  return pageOfRows({ rows, total: null }, limit, {
    item: (row): z.input<typeof found> => ({
      declaration_id: row.identifier,
      enrollment_id: row.enrollment,
      state: row.state,
      code: textOrNull(row.code),
      since: iso(row.since),
    }),
    cursor: (row) =>
      placeCursor('declaration-state', ORDER, { value: row.identifier, id: row.enrollment }),
  })
}
