import { z } from '../zod.ts'
import type { ItemCounts } from '../../../directory/moves/items.ts'
import { findMove, type Move } from '../../../directory/moves/moves.ts'
import { RequestError } from '../../request-error.ts'
import { pathId } from '../operation.ts'
import { atOrNull, iso, time } from '../values.ts'
import type { Check } from './checks.ts'

export const MOVE_ID = '0b7d7c0e-0d43-4a53-8a5d-5f1f3b8c2a10'
export const MOVE_PARAMS = pathId(z.string(), 'a move’s id', MOVE_ID)
export const NO_MOVE = { 404: 'there is no such move' }

export const sourceWord = z.enum(['micromdm', 'nanomdm'])

export const oddSchema = z.strictObject({
  what: z.string().max(100).openapi({ description: 'a word for programs' }),
  about: z.string().max(1000).openapi({ description: 'an id or a key' }),
  detail: z.string().max(1000).openapi({ description: 'for people' }),
})

export const moveSchema = z
  .object({
    id: z.string(),
    source: sourceWord,
    name: z.string().openapi({ description: 'of the copy' }),
    digest: z.string().openapi({ description: 'SHA-256 of the copy' }),
    state: z.enum(['open', 'activating', 'active']).openapi({
      description: '`open`: nothing is served from it; `activating`: its items are being applied',
    }),
    created_at: time,
    activated_at: time.nullable(),
    ended_at: time.nullable(),
    items: z
      .record(z.string(), z.int())
      .openapi({ type: 'object', description: 'how many, by kind' }),
    devices: z.record(z.string(), z.int()).openapi({
      type: 'object',
      description: 'how many, by outcome (`waiting` before it) and by standing',
    }),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })).openapi({
      description: 'what has to hold before the activation, and what happens otherwise',
    }),
    odd: z.array(oddSchema).openapi({ description: 'what was odd in the copy' }),
  })
  .openapi('Move')

type MoveJson = z.input<typeof moveSchema>

export const MOVE_EXAMPLE: MoveJson = {
  id: MOVE_ID,
  source: 'micromdm',
  name: 'micromdm.db',
  digest: '3f0a1c5e7b9d2f4a6c8e0b1d3f5a7c9e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a',
  state: 'active',
  created_at: '2026-11-28T09:00:00Z',
  activated_at: '2026-11-28T18:00:00Z',
  ended_at: '2026-11-28T18:00:40Z',
  items: { device: 40, certificate: 40, authority: 1 },
  devices: { moved: 40, retired: 3, blocked: 4 },
  checks: [],
  odd: [],
}

/** @throws RequestError if there is no such move */
export async function knownMove(db: D1Database, id: string): Promise<Move> {
  const move = await findMove(db, id)
  if (!move) {
    throw new RequestError(`there is no move ${id}: GET /api/moves lists them`, 'move_not_found')
  }
  return move
}

function add(to: Record<string, number>, key: string, count: number): void {
  to[key] = (to[key] ?? 0) + count
}

export function moveJson(move: Move, counts: ItemCounts, checks: readonly Check[]): MoveJson {
  const items: Record<string, number> = {}
  const devices: Record<string, number> = {}
  for (const { kind, outcome, standing, count } of counts) {
    add(items, kind, count)
    if (kind === 'device') {
      add(devices, outcome || 'waiting', count)
      if (standing !== '') {
        add(devices, standing, count)
      }
    }
  }
  return {
    id: move.id,
    source: sourceWord.parse(move.source),
    name: move.name,
    digest: move.digest,
    state: moveSchema.shape.state.parse(move.state),
    created_at: iso(move.createdAt),
    activated_at: atOrNull(move.activatedAt),
    ended_at: atOrNull(move.endedAt),
    items,
    devices,
    checks: [...checks],
    odd: z.array(oddSchema).parse(JSON.parse(move.odd)),
  }
}
