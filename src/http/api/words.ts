/** Enumerations that several answers and parameters have, each with a name for generated clients. */
import { z } from './zod.ts'
import { PLATFORMS } from '../../apple/platform.ts'
import { DECLARATION_STATES } from '../../ddm/states.ts'
import { PROOF_NAMES } from '../../device/store/proof.ts'
import { TOPICS } from '../../events/topics.ts'
import { ENROLLMENT_TYPES } from '../../mdm/enrollment.ts'
import { ENDED_STATES, PENDING_STATES } from '../../mdm/queue.ts'
import { REPORT_STATUSES } from '../../mdm/message.ts'

export const topicWord = z.enum(TOPICS).openapi('Topic')
export const enrollmentType = z.enum(ENROLLMENT_TYPES).openapi('EnrollmentType')
export const proofWord = z.enum(PROOF_NAMES).openapi('Proof')
export const platformWord = z.enum(PLATFORMS).openapi('Platform')
export const reportStatus = z.enum(REPORT_STATUSES).openapi('ReportStatus')
export const enrollmentState = z
  .enum(['unknown', 'authenticated', 'enrolled', 'checked_out'])
  .openapi('EnrollmentState')
export const pushState = z.enum(['none', 'ready', 'failing']).openapi('PushState')
export const enrollmentMode = z.enum(['automated', 'device', 'user']).openapi('EnrollmentMode')
export const renewalState = z.enum(['sent', 'renewed', 'failed', 'blocked']).openapi('RenewalState')
export const commandStateWord = z.enum([...PENDING_STATES, ...ENDED_STATES]).openapi('CommandState')
export const declarationState = z.enum(DECLARATION_STATES).openapi('DeclarationState')

/** Their names in the document. They are registered first, because their first use may allow null. */
export const WORDS = {
  Topic: topicWord,
  EnrollmentType: enrollmentType,
  Proof: proofWord,
  Platform: platformWord,
  ReportStatus: reportStatus,
  EnrollmentState: enrollmentState,
  PushState: pushState,
  EnrollmentMode: enrollmentMode,
  RenewalState: renewalState,
  CommandState: commandStateWord,
  DeclarationState: declarationState,
}
