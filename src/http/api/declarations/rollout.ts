import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { changeRollout } from '../../../directory/declarations/edit.ts'
import type { Env } from '../../../env.ts'
import { beginOffers } from '../../../jobs/declarations/begin.ts'
import { rolloutJob, type RolloutPlan } from '../../../jobs/declarations/rollout.ts'
import { RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, operation } from '../operation.ts'
import {
  DECLARATION_EXAMPLE,
  DECLARATION_PARAMS,
  declarationJson,
  declarationJsonSchema,
  knownDeclaration,
  NO_DECLARATION,
  summaryOf,
} from './schema.ts'

/** Staged roll-outs: a new content goes to a growing share of the devices. */
export const rolloutRoutes = newRoutes()

const tags = ['Declarations']
const MAX_STEPS = 20
const WEEK_MINUTES = 10_080

export const newRollout = z.strictObject({
  steps: z
    .array(z.int().min(1).max(100))
    .min(1)
    .max(MAX_STEPS)
    .refine(
      (steps) => steps.every((step, at) => at === 0 || step > (steps[at - 1] ?? 0)),
      'has to rise',
    )
    .default([5, 25, 100])
    .openapi({ description: 'shares of the devices, in percent' }),
  wait_minutes: z.int().min(1).max(WEEK_MINUTES).default(60).openapi({
    description: 'how long each share is watched',
  }),
  stop_at_error_share: z.number().min(0).max(1).default(0.1).openapi({
    description: 'it stops if more of the devices that have reported failed',
  }),
})

export function planOf(rollout: z.output<typeof newRollout>): RolloutPlan {
  const { steps, wait_minutes: waitMinutes, stop_at_error_share: stopAt } = rollout
  return { steps, waitMinutes, stopAt }
}

const rolloutSchema = declarationJsonSchema
  .extend({
    rollout_state: z.enum(['running', 'finished', 'cancelled', 'stopped']).nullable().openapi({
      description: 'null: it never had one; `stopped`: too many devices failed',
    }),
    reason: z.string().nullable().openapi({ description: 'why it stopped' }),
  })
  .openapi('DeclarationRollout')
const rolloutAnswer = answer('the declaration and its roll-out', rolloutSchema, {
  ...DECLARATION_EXAMPLE,
  rollout_percent: 25,
  rollout_state: 'running',
  reason: null,
})

rolloutRoutes.openapi(
  operation('getRollout', 'get', '/declarations/{id}/rollout', {
    tags,
    summary: 'The staged roll-out of a declaration',
    params: DECLARATION_PARAMS,
    answers: { 200: rolloutAnswer },
    problems: NO_DECLARATION,
  }),
  async (c) => c.json(await showRollout(c.env, c.req.valid('param').id), 200),
)

for (const [verb, summary] of [
  ['stop', 'Stops a roll-out: its share stays as it is'],
  ['finish', 'Ends a roll-out: all devices get the new content'],
] as const) {
  rolloutRoutes.openapi(
    operation(`${verb}Rollout`, 'post', `/declarations/{id}/rollout/${verb}`, {
      tags,
      summary,
      params: DECLARATION_PARAMS,
      answers: { 200: rolloutAnswer },
      problems: { ...NO_DECLARATION, 409: 'no roll-out of it is under way' },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const { rollout } = await knownDeclaration(c.env.DB, id)
      if (rollout === '') {
        const text = `no roll-out of ${id} is under way: all its devices have the present content`
        throw new RequestError(text, 'no_rollout')
      }
      await c.env.JOB.getByName(rolloutJob(id)).cancel()
      if (verb === 'finish') {
        await changeRollout(c.env.DB, id, undefined, { now: clock.now(), notify: true })
        await beginOffers(c.env)
      }
      return c.json(await showRollout(c.env, id), 200)
    },
  )
}

async function showRollout(env: Env, id: string): Promise<z.input<typeof rolloutSchema>> {
  const row = await knownDeclaration(env.DB, id)
  const view = await env.JOB.getByName(rolloutJob(id)).view()
  return {
    ...declarationJson(summaryOf(row)),
    rollout_state: view?.state ?? null,
    reason: view?.reason || null,
  }
}
