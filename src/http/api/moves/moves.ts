import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { countItems } from '../../../directory/moves/items.ts'
import {
  beginActivation,
  discardMove,
  listMoves,
  openMove,
  unfinishedMove,
  type Move,
} from '../../../directory/moves/moves.ts'
import { MOVE, moveRound } from '../../../jobs/move/round.ts'
import { warn } from '../../../log.ts'
import { MOST } from '../../../migration/records.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { answer, body, DONE, operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { checksOf } from './checks.ts'
import {
  knownMove,
  MOVE_EXAMPLE,
  MOVE_PARAMS,
  moveJson,
  moveSchema,
  NO_MOVE,
  oddSchema,
  sourceWord,
} from './schema.ts'

/** Fleets that come from another server (docs/move-from-micromdm.md). `npm run move` uses these. */
export const moveRoutes = newRoutes()

const tags = ['Moves']
const UNDER_WAY = { 409: 'the activation of another move is not complete' }

const newMove = z.strictObject({
  source: sourceWord.openapi({ description: 'the other server' }),
  name: z.string().min(1).max(255).openapi({ description: 'of the copy: a file or an address' }),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .openapi({ description: 'SHA-256 of the copy' }),
  odd: z
    .array(oddSchema)
    .max(MOST.odd)
    .default([])
    .openapi({ description: 'what was odd in the copy' }),
})

moveRoutes.openapi(
  operation('openMove', 'post', '/moves', {
    tags,
    summary: 'Begins a move, or goes on with the one of the same copy',
    description:
      'An open move of another copy is replaced. Nothing is served from a move until it is activated.',
    body: body(newMove, {
      file: { source: 'micromdm', name: 'micromdm.db', digest: MOVE_EXAMPLE.digest },
    }),
    answers: { 200: answer('the move', moveSchema, MOVE_EXAMPLE) },
    problems: UNDER_WAY,
  }),
  async (c) => {
    const { odd, ...wanted } = c.req.valid('json')
    const before = await unfinishedMove(c.env.DB)
    if (before?.digest === wanted.digest) {
      return c.json(await shown(c, before), 200)
    }
    if (before?.state === 'activating') {
      throw new RequestError(
        `the activation of ${before.name} (${before.id}) is not complete: activate it again first`,
        409,
      )
    }
    const facts = { id: crypto.randomUUID(), createdAt: clock.now(), state: 'open' }
    await openMove(c.env.DB, { ...wanted, ...facts, odd: JSON.stringify(odd) })
    return c.json(await shown(c, await knownMove(c.env.DB, facts.id)), 200)
  },
)

moveRoutes.openapi(
  operation('listMoves', 'get', '/moves', {
    tags,
    summary: 'Lists the moves, the newest first',
    answers: { 200: listOf('all moves', moveSchema, MOVE_EXAMPLE) },
  }),
  async (c) => {
    const moves = await listMoves(c.env.DB)
    return c.json(wholeList(await Promise.all(moves.map((move) => shown(c, move)))), 200)
  },
)

moveRoutes.openapi(
  operation('getMove', 'get', '/moves/{id}', {
    tags,
    summary: 'Shows a move: its counts, and what has to hold before the activation',
    params: MOVE_PARAMS,
    answers: { 200: answer('the move', moveSchema, MOVE_EXAMPLE) },
    problems: NO_MOVE,
  }),
  async (c) => c.json(await shown(c, await knownMove(c.env.DB, c.req.valid('param').id)), 200),
)

const activation = z.strictObject({
  without_push: z.boolean().default(false).openapi({
    description:
      '`true` activates it although devices cannot be pushed with the certificate in use',
  }),
})

moveRoutes.openapi(
  operation('activateMove', 'post', '/moves/{id}/activate', {
    tags,
    summary: 'Activates a move: its devices are served here from now on',
    description:
      'A job named `move` applies the items, and goes on by itself. A second call tries again what failed.',
    params: MOVE_PARAMS,
    body: body(activation, { usual: {} }),
    answers: { 202: answer('the move', moveSchema, MOVE_EXAMPLE) },
    problems: { ...NO_MOVE, 409: 'the push certificate or the CA of the devices is missing' },
  }),
  async (c) => {
    const move = await knownMove(c.env.DB, c.req.valid('param').id)
    const before = await shown(c, move)
    const { without_push: withoutPush } = c.req.valid('json')
    const missing = before.checks.find(
      ({ name, ok }) => !ok && name !== 'host' && !(withoutPush && name === 'push_certificate'),
    )
    if (move.state === 'open' && missing) {
      throw new RequestError(missing.detail, 'move_not_ready')
    }
    if (await beginActivation(c.env.DB, move.id, clock.now())) {
      warn('move:activated', { move: move.id, devices: before.items['device'] ?? 0 })
      await c.env.JOB.getByName(MOVE).start(moveRound(move.id))
    }
    return c.json(await shown(c, await knownMove(c.env.DB, move.id)), 202)
  },
)

moveRoutes.openapi(
  operation('discardMove', 'delete', '/moves/{id}', {
    tags,
    summary: 'Discards an open move',
    params: MOVE_PARAMS,
    answers: { 204: DONE },
    problems: { ...NO_MOVE, 409: 'it is activated' },
  }),
  async (c) => {
    const { id, name } = await knownMove(c.env.DB, c.req.valid('param').id)
    if (!(await discardMove(c.env.DB, id))) {
      throw new RequestError(`the move of ${name} is activated: its devices are served here`, 409)
    }
    return c.body(null, 204)
  },
)

async function shown(c: AppContext, move: Move) {
  const counts = await countItems(c.env.DB, move.id)
  const checks = move.state === 'open' ? await checksOf(c.env, c.var.config, counts, c.req.url) : []
  return moveJson(move, counts, checks)
}
