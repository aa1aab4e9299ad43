import { z } from '../zod.ts'
import { builtFile } from '../../built-file.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { answer, operation, pathId } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { commandTypeSchema, TYPE_EXAMPLE, typeSummary, SUMMARY_EXAMPLE } from './types-schema.ts'

/** Apple's command types, for programs that build forms. The build wrote the file (src/command-types). */
export const commandTypeRoutes = newRoutes()

const tags = ['Commands']
type TypeOfFile = z.output<typeof commandTypeSchema>

commandTypeRoutes.openapi(
  operation('listCommandTypes', 'get', '/command-types', {
    tags,
    summary: 'Lists the command types that Apple documents: what each does, and where it exists',
    answers: {
      200: listOf('all types', typeSummary, SUMMARY_EXAMPLE),
    },
  }),
  async (c) => {
    const items = (await typesOf(c)).map(({ keys: _keys, one_of: _oneOf, ...summary }) => summary)
    return c.json(wholeList(items), 200)
  },
)

commandTypeRoutes.openapi(
  operation('getCommandType', 'get', '/command-types/{id}', {
    tags,
    summary: 'Describes a command type: its keys, their types and values, and where each exists',
    params: pathId(z.string(), 'the type, such as `DeviceLock`', 'DeviceLock'),
    answers: { 200: answer('the type', commandTypeSchema, TYPE_EXAMPLE) },
    problems: { 404: 'Apple documents no such command' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const found = (await typesOf(c)).find(({ request_type: type }) => type === id)
    if (!found) {
      throw new RequestError(`Apple documents no command ${id}`, 'command_type_not_found')
    }
    return c.json(found, 200)
  },
)

async function typesOf({ env }: AppContext): Promise<TypeOfFile[]> {
  return (await builtFile(env, 'command-types.json')).json()
}
