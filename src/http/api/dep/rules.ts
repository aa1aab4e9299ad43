import { z } from '../zod.ts'
import type { DepMatch, DepRule } from '../../../dep/rules.ts'
import { readRules, storeRules } from '../../../directory/dep/accounts.ts'
import { depAccountOf } from '../../dep/account.ts'
import { faultAt } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, operation } from '../operation.ts'
import { flag } from '../values.ts'
import { previewJson, previewSchema, PREVIEW_EXAMPLE } from './preview.ts'
import { depProfileOf } from './profiles.ts'
import { DEP_ACCOUNT_PARAMS, DEP_TAGS as tags, NO_DEP_ACCOUNT } from './schema.ts'

/** The ordered rules by which devices get their profiles. */
export const depRuleRoutes = newRoutes()

const MAX_RULES = 100
const patterns = z.array(z.string().min(1).max(200)).min(1).max(200).nullable()
const matchSchema = z
  .strictObject({
    family: patterns.openapi({ description: 'such as Mac, iPhone, iPad, AppleTV' }),
    os: patterns.openapi({ description: 'such as OSX, iOS, iPadOS, tvOS, visionOS' }),
    model: patterns.openapi({ description: 'such as `MacBook Pro*`' }),
    serial: patterns.openapi({ description: 'serial numbers' }),
    assigned_by: patterns.openapi({ description: 'the person that assigned it to the server' }),
  })
  .openapi('DepMatch')
const MATCH =
  'all conditions have to hold; `*` in them stands for any text; `{}` matches all devices'
const profile = z.string().min(1).max(200).openapi({ description: 'name or uuid of the profile' })
const ruleSchema = z
  .object({ match: matchSchema.openapi({ description: MATCH }), profile })
  .openapi('DepRule')
const newRule = z.strictObject({
  match: matchSchema.partial().openapi({ description: MATCH }),
  profile,
})
const rulesSchema = z.object({
  rules: z.array(ruleSchema).openapi({ description: 'the first that matches a device decides' }),
  preview: previewSchema,
})
const wanted = z.strictObject({
  rules: z
    .array(newRule)
    .max(MAX_RULES)
    .openapi({ description: `all rules in their order, up to ${MAX_RULES}` }),
})

const ANY = { family: null, os: null, model: null, serial: null, assigned_by: null }
const EXAMPLE: z.input<typeof rulesSchema> = {
  rules: [{ match: { ...ANY, family: ['Mac'] }, profile: 'macs' }],
  preview: PREVIEW_EXAMPLE,
}
const rulesAnswer = answer('the rules, and what they would do now', rulesSchema, EXAMPLE)

depRuleRoutes.openapi(
  operation('getDepRules', 'get', '/dep/accounts/{id}/rules', {
    tags,
    summary: 'The rules of automatic assignment, in their order',
    params: DEP_ACCOUNT_PARAMS,
    answers: { 200: rulesAnswer },
    problems: NO_DEP_ACCOUNT,
  }),
  async (c) => {
    const { row, object } = await depAccountOf(c.env, c.req.valid('param').id)
    const [rules, preview] = await Promise.all([readRules(c.env.DB, row.id), object.preview()])
    return c.json(rulesJson(rules, previewJson(preview)), 200)
  },
)

depRuleRoutes.openapi(
  operation('putDepRules', 'put', '/dep/accounts/{id}/rules', {
    tags,
    summary: 'Stores the rules of automatic assignment, whole',
    description:
      'Devices without a profile, and those whose profile another one of its name has replaced, get theirs ' +
      'soon. Devices with a profile that the server did not define stay as they are: see ' +
      'confirmDepAccount. MicroMDM’s auto-assigner is a last rule for all devices.',
    params: DEP_ACCOUNT_PARAMS,
    query: {
      dry_run: flag.default(false).openapi({
        description: '`true` stores nothing: `preview` counts what the rules would do',
      }),
    },
    body: body(wanted, {
      macs: {
        rules: [
          { match: { family: ['Mac'], serial: ['C02*'] }, profile: 'macs' },
          { match: {}, profile: 'macs' },
        ],
      },
    }),
    answers: { 200: rulesAnswer },
    problems: { 404: 'no account has this id, or it has no such profile' },
  }),
  async (c) => {
    const { row, object } = await depAccountOf(c.env, c.req.valid('param').id)
    const { dry_run: isDry } = c.req.valid('query')
    const rules = c.req.valid('json').rules.map((one) => ({ ...one, match: matchOf(one.match) }))
    checkOrder(rules)
    for (const name of new Set(rules.map((rule) => rule.profile))) {
      await depProfileOf(c.env.DB, row.id, name)
    }
    const preview = previewJson(await object.preview(rules))
    if (!isDry) {
      await storeRules(c.env.DB, row.id, rules)
      await object.plan()
    }
    return c.json(rulesJson(rules, preview), 200)
  },
)

function matchOf(match: z.output<typeof newRule>['match']): DepMatch {
  return Object.fromEntries(Object.entries(match).filter(([, given]) => given !== null))
}

/** @throws RequestError for a rule that never decides, because one before it is for all devices */
function checkOrder(rules: readonly DepRule[]): void {
  const all = rules.findIndex(({ match }) => Object.keys(match).length === 0)
  if (all !== -1 && all < rules.length - 1) {
    throw faultAt(
      `json.rules.${all + 1}`,
      'never decides, because the rule before it is for all devices: move that one to the end',
    )
  }
}

function rulesJson(
  rules: readonly DepRule[],
  preview: z.input<typeof previewSchema>,
): z.input<typeof rulesSchema> {
  const shown = rules.map(({ match, profile: named }) => {
    const given = Object.entries(match).map(([key, texts]) => [key, texts.slice()] as const)
    return { match: { ...ANY, ...Object.fromEntries(given) }, profile: named }
  })
  return { rules: shown, preview }
}
