import { createRoute, z } from '@hono/zod-openapi'
import { clock } from '../../../clock.ts'
import { revokeChallenges } from '../../../directory/challenges.ts'
import { warn } from '../../../log.ts'
import { answer } from '../operation.ts'
import { iso, time } from '../values.ts'
import { newRoutes } from '../routes.ts'

/** SCEP challenges: docs/certificates.md. */
export const challengeRoutes = newRoutes()

challengeRoutes.openapi(
  createRoute({
    method: 'delete',
    path: '/challenges',
    operationId: 'revokeChallenges',
    tags: ['Certificate authorities'],
    summary: 'Revokes all challenges that were given out and not used yet',
    description:
      'Those of downloaded profiles and invitations, and those of `POST /v1/challenge`. Renewals that are on their way go on, and a static challenge is not concerned. A device that has downloaded its profile and not installed it has to download it again.',
    responses: {
      200: answer('done', z.object({ given_out_before: time }).openapi('RevokedChallenges'), {
        given_out_before: '2026-11-24T09:00:00.000Z',
      }),
    },
  }),
  async (c) => {
    const now = clock.now()
    await revokeChallenges(c.env.DB, now)
    const until = iso(now)
    warn('scep:challenges-revoked', { given_out_before: until })
    return c.json({ given_out_before: until }, 200)
  },
)
