/** Words that several answers have, each with a name for generated clients. */
import { z } from '@hono/zod-openapi'
import { PROOF_NAMES } from '../../device/proof.ts'
import { TOPICS } from '../../events/topics.ts'
import { ENROLLMENT_TYPES } from '../../mdm/enrollment.ts'

export const topicWord = z.enum(TOPICS).openapi('Topic')
export const enrollmentType = z.enum(ENROLLMENT_TYPES).openapi('EnrollmentType')
export const proofWord = z.enum(PROOF_NAMES).openapi('Proof')
