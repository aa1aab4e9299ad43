import { isDestructiveCommand, commandType } from '../../commands/request-types.ts'
import { removesEnrollment } from '../../enroll/removal.ts'
import { SCOPES, type Scope } from '../../keys/scopes.ts'
import type { AppContext } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { auditFirst, noteAudit } from './audited.ts'
import type { Needed } from './rights/right.ts'

/** Whether the key of a request has what a route needs. */
export function isAllowed(scopes: readonly Scope[], needed: Needed): boolean {
  return (
    needed === 'any' ||
    needed === 'open' ||
    (needed === 'all' && lacking(scopes).length === 0) ||
    needed.split('|').some((wanted) => scopes.some((scope) => scope === wanted))
  )
}

/** @throws RequestError if the key of the request lacks it */
export function requireScope(c: AppContext, needed: Needed): void {
  const { name, scopes } = c.var.caller
  if (!isAllowed(scopes, needed)) {
    const advice =
      needed === 'all'
        ? `lacks ${lacking(scopes).join(', ')}: this call needs a key with all scopes, such as API_KEY`
        : `lacks scope ${needed.replace('|', ' or ')}: use a key that has it`
    throw new RequestError(
      `key "${name}" ${advice}; GET /api/whoami shows the scopes of a key`,
      'missing_scope',
    )
  }
}

function lacking(scopes: readonly Scope[]): Scope[] {
  return SCOPES.filter((scope) => !scopes.includes(scope))
}

/**
 * Lets a command of this request be queued. The audit has one that needs `destructive` before it is queued.
 * @throws RequestError
 */
export async function permitCommand(c: AppContext, command: CommandContent): Promise<void> {
  if (requireCommandScope(c, command)) {
    await auditFirst(c)
  }
}

interface CommandContent {
  readonly requestType: string
  readonly payload: Uint8Array
}

/**
 * A command that loses data, locks a user out or ends the management needs `destructive`, and so does one
 * that this server does not know.
 * @returns whether it does
 * @throws RequestError if the key of the request lacks the scope of the command
 */
export function requireCommandScope(
  c: AppContext,
  { requestType, payload }: CommandContent,
): boolean {
  noteAudit(c, { request_type: requestType })
  const losing =
    commandType(requestType) === undefined ||
    isDestructiveCommand(requestType) ||
    removesEnrollment(requestType, payload)
  requireScope(c, losing ? 'destructive' : 'command')
  if (losing) {
    noteAudit(c, {}, { scope: 'destructive' })
  }
  return losing
}
