import { z } from '../zod.ts'
import { listVersions, type DeclarationVersion } from '../../../directory/declarations/read.ts'
import { RequestError } from '../../request-error.ts'
import { baseUrl } from '../../host.ts'
import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { atOrNull, iso } from '../values.ts'
import {
  DECLARATION_PARAMS,
  knownDeclaration,
  NO_DECLARATION,
  payloadObject,
  PAYLOAD_EXAMPLE,
  VERSION_EXAMPLE,
  versionSchema,
} from './schema.ts'
import { restoredAnswer, storeContent } from './store.ts'
import { changeCatalog, writeQuery } from './write.ts'

/** The contents that a declaration had. */
export const declarationVersionRoutes = newRoutes()

const tags = ['Declarations']
const versionDetail = versionSchema
  .extend({ payload: payloadObject })
  .openapi('DeclarationVersionDetail')

declarationVersionRoutes.openapi(
  operation('listDeclarationVersions', 'get', '/declarations/{id}/versions', {
    tags,
    summary: 'Lists the versions of a declaration that are kept, newest first, with their payloads',
    description: 'The newest 20 are kept, and those that were replaced within 30 days.',
    params: DECLARATION_PARAMS,
    answers: {
      200: listOf('all kept versions', versionDetail, {
        ...VERSION_EXAMPLE,
        payload: PAYLOAD_EXAMPLE,
      }),
    },
    problems: NO_DECLARATION,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    await knownDeclaration(c.env.DB, id)
    const versions = await listVersions(c.env.DB, id)
    const items = versions.map((one) => {
      const payload: Record<string, unknown> = JSON.parse(one.payload)
      return { ...versionJson(one), payload }
    })
    return c.json(wholeList(items), 200)
  },
)

declarationVersionRoutes.openapi(
  operation('restoreDeclaration', 'post', '/declarations/{id}/versions/{version}/restore', {
    tags,
    summary: 'Stores the content of an earlier version as a new version',
    params: {
      ...DECLARATION_PARAMS,
      version: z.string().openapi({
        param: { name: 'version', in: 'path' },
        description: 'as listDeclarationVersions shows it',
        example: '1',
      }),
    },
    query: writeQuery,
    answers: { 200: restoredAnswer },
    problems: { 404: 'no such declaration, or this version of it is not kept' },
  }),
  async (c) => {
    const { id, version } = c.req.valid('param')
    await knownDeclaration(c.env.DB, id)
    const versions = await listVersions(c.env.DB, id)
    const found = versions.find((one) => String(one.version) === version)
    if (!found) {
      throw new RequestError(
        `${id} has no version ${version}: it did not exist, or is no longer kept`,
        'declaration_not_found',
      )
    }
    const { json } = await changeCatalog(c.env, c.req.valid('query'), (d1, when) =>
      storeContent(d1, { ...found, identifier: id, origin: baseUrl(c), force: true }, when),
    )
    return c.json(json, 200)
  },
)

export function versionJson(one: DeclarationVersion): z.input<typeof versionSchema> {
  return {
    version: one.version,
    type: one.type,
    created_at: iso(one.createdAt),
    replaced_at: atOrNull(one.replacedAt),
  }
}
