import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import { revokeChallenges } from '../../../directory/challenges.ts'
import { warn } from '../../../log.ts'
import { answer, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { iso, time } from '../values.ts'

/** SCEP challenges: docs/certificates.md. */
export const challengeRoutes = newRoutes()

const revoked = z.object({ given_out_before: time }).openapi('RevokedChallenges')

challengeRoutes.openapi(
  operation('revokeChallenges', 'delete', '/challenges', {
    tags: ['Certificate authorities'],
    summary: 'Revokes all challenges that are not used yet',
    description:
      'These are the challenges of downloaded profiles and invitations, and those of `POST /v1/challenge`. ' +
      'Renewals that are in progress go on, and a static challenge stays valid. A device that has ' +
      'downloaded its profile and not installed it must download it again.',
    answers: { 200: answer('done', revoked, { given_out_before: '2026-11-24T09:00:00.000Z' }) },
  }),
  async (c) => {
    const now = clock.now()
    await revokeChallenges(c.env.DB, now)
    const until = iso(now)
    warn('scep:challenges-revoked', { given_out_before: until })
    return c.json({ given_out_before: until }, 200)
  },
)
