import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import type { JsonObject } from '../../../commands/go-json.ts'
import type { AppleCommand } from '../../../commands/apple.ts'
import type { CommandWork } from '../../../jobs/command.ts'
import { removesEnrollment } from '../../../enroll/removal.ts'
import { RequestError, faultAt } from '../../request-error.ts'
import { commandNeeds } from '../../queue/command-needs.ts'
import { auditFirst, noteAudit } from '../../access/audited.ts'
import { requireCommandScope } from '../../access/require-scope.ts'
import type { AppContext } from '../../app-env.ts'
import { ACTOR, queuedBy } from '../../queue/queued-by.ts'
import { parseCommand, window } from '../commands/request.ts'
import { MAX_TARGETS } from '../device-filter.ts'
import { actor, body, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { OUTCOME_EXAMPLE } from './json.ts'
import { idempotencyKey, jobAnswers, KEY_REUSED, type NewJob, startJob } from './start.ts'
import {
  findTargets,
  isNamedOnce,
  NAMED_ONCE,
  SMALL,
  targetFields,
  type Targets,
} from './targets.ts'

/** One command to many ids (docs/bulk.md). */
export const bulkRoutes = newRoutes()

const ABOUT =
  `Up to ${SMALL} ids without a pace are done within the call; more become a job. A command for an ` +
  'unknown id waits. All get one CommandUUID. With InstallProfile each gets its own, unless you name one.'
const IDS = {
  type: 'array' as const,
  items: { type: 'string' as const },
  description: 'UDID, EnrollmentID, UDID:UserID or a bare UserID; a bad id has a failed outcome',
}
const COMMAND =
  'MicroMDM’s JSON (`request_type` and the fields of the type) or Apple’s keys (`Command` with ' +
  '`RequestType`, optionally `CommandUUID`), with `not_before` and `expires_at` as for one device'
const CONFIRM = 'required when a destructive command goes to more than one device'
const FORCE = '`true` also queues a command that Apple’s schema or a device’s OS does not have'
const STOP_AT = 'stops the job when more than this share of the devices failed or answered Error'

export const confirmation = z.strictObject({
  request_type: z.string().openapi({ description: 'the type of the command' }),
  count: z.int().openapi({ description: 'the number of devices' }),
})

export const bulkFields = {
  ids: z.array(z.unknown()).max(MAX_TARGETS).optional().openapi(IDS),
  ...targetFields,
  command: z
    .record(z.string(), z.unknown())
    .openapi({ type: 'object', additionalProperties: true, description: COMMAND }),
  confirm: confirmation.optional().openapi({ description: CONFIRM }),
  force: z.boolean().default(false).openapi({ description: FORCE }),
  stop_at_error_rate: z.number().gt(0).lt(1).optional().openapi({ description: STOP_AT }),
}
const bulkSchema = z.strictObject(bulkFields).refine(isNamedOnce, NAMED_ONCE)
type BulkRequest = z.output<typeof bulkSchema>

const two = [OUTCOME_EXAMPLE.id, '00008110-000A1D3E0C28801E']
const confirm = { request_type: 'DeviceLock', count: 2 }

bulkRoutes.openapi(
  operation('queueCommands', 'post', '/commands', {
    tags: ['Bulk'],
    summary: 'Queues one command for many devices',
    description: ABOUT,
    headers: { 'idempotency-key': idempotencyKey, [ACTOR]: actor },
    body: body(bulkSchema, {
      ids: { ids: two, command: { request_type: 'DeviceInformation', queries: ['OSVersion'] } },
      filter: {
        filter: { platform: ['macOS'], os_version: '15' },
        command: { Command: { RequestType: 'SecurityInfo' } },
        pace: 6000,
        stop_at_error_rate: 0.1,
      },
      all: { all: true, command: { request_type: 'ProfileList' } },
      destructive: { ids: two, command: { request_type: 'DeviceLock', pin: '123456' }, confirm },
    }),
    answers: jobAnswers,
    problems: {
      409: 'a destructive command to `all`, or a `confirm` that does not match command and number of devices',
      422: KEY_REUSED,
    },
  }),
  async (c) => startJob(c, () => planCommand(c, c.req.valid('json'))),
)

/** The job that queues a command for many devices. @throws RequestError */
export async function planCommand(c: AppContext, wanted: BulkRequest): Promise<NewJob> {
  const { force } = wanted
  const { request, command, losing } = readBulkCommand(wanted.command, wanted)
  const by = queuedBy(c, 'api')
  const isAudited = requireCommandScope(c, command)
  const targets = await findTargets(c.env.DB, wanted)
  noteAudit(c, { devices: targets.ids.length - targets.faults.size })
  if (isAudited) {
    await auditFirst(c)
  }
  if (losing) {
    checkConfirmed(wanted, command, targets)
  }
  const { pace = 0, stop_at_error_rate: stopAt = 0 } = wanted
  const { commandUUID: uuid, requestType, payload, secret } = command
  const terms = window(request)
  if (terms.expiresAt > 0 && terms.expiresAt <= clock.now()) {
    throw faultAt('json.command.expires_at', 'it has passed, and has to lie ahead')
  }
  const isOwn = requestType === 'InstallProfile' && command.source === ''
  const needs = force ? {} : { needs: commandNeeds(command, 'refuse') }
  const work: CommandWork = {
    uuid,
    requestType,
    ...terms,
    by,
    ...(isOwn && { isOwn }),
    ...needs,
  }
  const kind = 'command'
  return { targets, facts: { kind, work: JSON.stringify(work), secret, pace, stopAt }, payload }
}

/**
 * The command of a request, and whether it loses data or locks a user out.
 * @throws RequestError for a command that is malformed, or that must not go to all
 */
export function readBulkCommand(
  given: unknown,
  { force, all }: Pick<BulkRequest, 'force' | 'all'>,
): { readonly request: JsonObject; readonly command: AppleCommand; readonly losing: boolean } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the body is JSON
  const request = given as JsonObject
  const command = parseCommand(request, { force })
  const losing = command.destructive || removesEnrollment(command.requestType, command.payload)
  if (losing && all) {
    throw new RequestError(
      `${command.requestType} cannot go to all: name the devices by ids or filter`,
      409,
    )
  }
  return { request, command, losing }
}

/** A destructive command repeats its type and the number of its devices in `confirm`. @throws RequestError */
function checkConfirmed(
  { confirm: confirmed }: BulkRequest,
  { requestType }: AppleCommand,
  { ids, faults }: Targets,
): void {
  const count = ids.length - faults.size
  if (count > 1 && (confirmed?.request_type !== requestType || confirmed.count !== count)) {
    throw new RequestError(
      `${requestType} to ${count} devices loses data or locks a user out: if that is meant, send ` +
        '"confirm": ' +
        JSON.stringify({ request_type: requestType, count }),
      'confirmation_required',
    )
  }
}
