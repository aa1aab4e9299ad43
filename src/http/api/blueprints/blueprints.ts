import type { z } from '../zod.ts'
import type { GivenBlueprint } from '../../../blueprints/check.ts'
import { clock } from '../../../clock.ts'
import {
  findBlueprint,
  listBlueprints,
  removeBlueprint,
  type StoredBlueprint,
} from '../../../directory/blueprints/blueprints.ts'
import { MAX_BLUEPRINTS, putBlueprint } from '../../../setup/put-blueprint.ts'
import { movedOn, RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, DONE, operation, OTHER_VERSION } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { iso, readVersion } from '../values.ts'
import { permitSteps } from './permit.ts'
import {
  BLUEPRINT_EXAMPLE,
  BLUEPRINT_PARAMS,
  BLUEPRINT_PUT_EXAMPLES,
  blueprintDetailSchema,
  blueprintSchema,
  newBlueprintSchema,
  NO_BLUEPRINT,
} from './schema.ts'

/** Blueprints: what devices get when they enrol (docs/blueprints.md). */
export const blueprintRoutes = newRoutes()

const tags = ['Blueprints']
/** The paths below `/blueprints` that are no blueprints. */
const RESERVED = 'preview'
/** How many faults the sentence has; `errors` has all. */
const MAX_SHOWN = 10
const detailAnswer = answer('the blueprint', blueprintDetailSchema, {
  ...BLUEPRINT_EXAMPLE,
  warnings: [],
})

blueprintRoutes.openapi(
  operation('listBlueprints', 'get', '/blueprints', {
    tags,
    summary: 'Lists blueprints by their names',
    answers: { 200: listOf('all blueprints', blueprintSchema, BLUEPRINT_EXAMPLE) },
  }),
  async (c) => c.json(wholeList((await listBlueprints(c.env.DB)).map(blueprintJson)), 200),
)

blueprintRoutes.openapi(
  operation('getBlueprint', 'get', '/blueprints/{id}', {
    tags,
    summary: 'A blueprint',
    params: BLUEPRINT_PARAMS,
    answers: { 200: answer('the blueprint', blueprintSchema, BLUEPRINT_EXAMPLE) },
    problems: NO_BLUEPRINT,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const found = await findBlueprint(c.env.DB, id)
    if (!found) {
      throw unknownBlueprint(id)
    }
    return c.json(blueprintJson(found), 200)
  },
)

blueprintRoutes.openapi(
  operation('putBlueprint', 'put', '/blueprints/{id}', {
    tags,
    summary: 'Stores a blueprint whole: devices that enrol from now on get it',
    description:
      'Setups that have begun go on as they are. Profiles, setup users and ' +
      'manifests of `/repo` that it names have to exist.',
    params: BLUEPRINT_PARAMS,
    query: { if_version: readVersion },
    body: body(newBlueprintSchema, BLUEPRINT_PUT_EXAMPLES),
    answers: { 200: detailAnswer, 201: detailAnswer },
    problems: {
      400: 'a step with a fault: `errors` has all of them',
      409: `another blueprint has the name, ${OTHER_VERSION[409]}, or there are ${MAX_BLUEPRINTS} blueprints`,
    },
  }),
  async (c) => {
    const { id: uuid } = c.req.valid('param')
    // In JSON, a key without a value is not there.
    const sent: Omit<GivenBlueprint, 'uuid'> = JSON.parse(JSON.stringify(c.req.valid('json')))
    permitSteps(c, sent)
    const changedAt = clock.now()
    const put =
      uuid === RESERVED
        ? { kind: 'refused' as const, faults: [{ at: 'id', detail: `cannot be ${RESERVED}` }] }
        : await putBlueprint(c.env, { ...sent, uuid }, changedAt, c.req.valid('query').if_version)
    switch (put.kind) {
      case 'refused':
        throw refusedBlueprint(put.faults)
      case 'name_taken':
        throw new RequestError(
          `another blueprint has the name ${sent.name}: choose another name, or change that blueprint`,
          'conflict',
        )
      case 'too_many':
        throw new RequestError(
          `${MAX_BLUEPRINTS} blueprints exist: delete one first`,
          'limit_reached',
        )
      case 'moved':
        throw movedOn(sent.name, put.version)
      case 'stored': {
        const { blueprint, isNew, warnings } = put
        const json = { ...blueprintJson({ blueprint, changedAt }), warnings: [...warnings] }
        return c.json(json, isNew ? 201 : 200)
      }
    }
  },
)

blueprintRoutes.openapi(
  operation('deleteBlueprint', 'delete', '/blueprints/{id}', {
    tags,
    summary: 'Deletes a blueprint; setups that have begun go on',
    params: BLUEPRINT_PARAMS,
    answers: { 204: DONE },
    problems: NO_BLUEPRINT,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    if (!(await removeBlueprint(c.env.DB, id))) {
      throw unknownBlueprint(id)
    }
    return c.body(null, 204)
  },
)

function unknownBlueprint(id: string): RequestError {
  return new RequestError(
    `no blueprint has the id ${id}: GET /api/blueprints lists them`,
    'blueprint_not_found',
  )
}

/** All faults at once, each with its place in the body. */
function refusedBlueprint(
  faults: readonly { readonly at: string; readonly detail: string }[],
): RequestError {
  const errors = faults.map(({ at, detail }) => ({
    at: at === 'id' ? 'param.id' : `json.${at}`,
    detail,
  }))
  const shown = errors.slice(0, MAX_SHOWN).map(({ at, detail }) => `${at}: ${detail}`)
  const more = errors.length > MAX_SHOWN ? [`and ${errors.length - MAX_SHOWN} more`] : []
  return new RequestError([...shown, ...more].join('; '), 'invalid_request', { errors })
}

function blueprintJson({
  blueprint: { uuid, ...rest },
  changedAt,
}: StoredBlueprint): z.input<typeof blueprintSchema> {
  // Each key of a stored blueprint came from a request.
  const sent: Omit<z.input<typeof blueprintSchema>, 'id' | 'changed_at'> = JSON.parse(
    JSON.stringify(rest),
  )
  return { id: uuid, ...sent, changed_at: iso(changedAt) }
}
