import { z } from '../../zod.ts'
import { declarationsOfSet, readSet, type SetRow } from '../../../../directory/declarations/sets.ts'
import { countMembers } from '../../../../directory/declarations/members.ts'
import { RequestError } from '../../../request-error.ts'
import { answer } from '../../operation.ts'
import { textOrNull } from '../../values.ts'
import { ruleJson, ruleSchema } from './rule.ts'
import { DECLARATION_EXAMPLE_ID, requireSets, SET_EXAMPLE_ID } from '../schema.ts'

/** A set in answers. */

export const setSchema = z
  .object({
    id: z.string().openapi({ description: 'its name' }),
    description: z.string().nullable(),
    rule: ruleSchema.nullable().openapi({
      description: 'devices that belong to it by themselves; all parts have to match',
    }),
    owner: z
      .string()
      .nullable()
      .openapi({ description: 'the part of the server that makes it; null for an admin’s' }),
    declaration_count: z.int(),
    version: z.int().openapi({
      description:
        'rises with each change of rule, description and declarations; 0: it has members alone',
    }),
  })
  .openapi('DeclarationSet')

const setDetailSchema = setSchema
  .extend({
    declarations: z.array(z.string()),
    member_count: z.int().openapi({
      description: 'devices and users that were put into it; those of the rule are not counted',
    }),
  })
  .openapi('DeclarationSetDetail')

export const SET_EXAMPLE: z.input<typeof setSchema> = {
  id: SET_EXAMPLE_ID,
  description: 'every Mac',
  rule: ruleJson({ platform: ['macOS'] }),
  owner: null,
  declaration_count: 1,
  version: 1,
}

export const setAnswer = answer('the set', setDetailSchema, {
  ...SET_EXAMPLE,
  declarations: [DECLARATION_EXAMPLE_ID],
  member_count: 0,
})

export function setJson(row: SetRow): z.input<typeof setSchema> {
  return {
    id: row.name,
    description: textOrNull(row.description),
    rule: row.rule === '' ? null : ruleJson(JSON.parse(row.rule)),
    owner: textOrNull(row.owner),
    declaration_count: row.declarations,
    version: row.version,
  }
}

/** A set with its content. @throws RequestError if there is none of that name */
export async function showSet(
  d1: D1Database,
  name: string,
): Promise<z.input<typeof setDetailSchema>> {
  await requireSets(d1, [name])
  const [row, declarations, members] = await Promise.all([
    readSet(d1, name),
    declarationsOfSet(d1, name),
    countMembers(d1, name),
  ])
  return { ...setJson(row), declarations, member_count: members }
}

/** @throws RequestError for a set that a part of the server makes: it would be made again */
export async function refuseOwned(d1: D1Database, name: string): Promise<SetRow> {
  const row = await readSet(d1, name)
  if (row.owner !== '') {
    throw new RequestError(`${row.owner} makes the set ${name}: change it there`, 'conflict')
  }
  return row
}
