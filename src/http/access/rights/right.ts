import type { AuditScope } from '../../../keys/audit-row.ts'
import type { Scope } from '../../../keys/scopes.ts'

/**
 * What a route needs of a key: a scope, or one of two. `all`: every scope, as `API_KEY` has them. `any` is
 * any valid key; `open` has no gate: a device route, a public one, or one that proves its caller by itself.
 */
export type Needed =
  | Scope
  | 'all'
  | 'any'
  | 'open'
  | 'command|destructive'
  | 'metrics|read'
  | 'admin|read'

/**
 * A route that changes or reveals something has an action for the audit: `noun.verb`. The scope of its row is
 * what it needs; the command decides between `command` and `destructive`. A deed that needs all, or that
 * any key may do to itself, is of `admin`.
 */
export type Right =
  | Needed
  | readonly [
      needed: AuditScope | 'all' | 'any' | 'command|destructive',
      action: `${string}.${string}`,
    ]

/** By method and path, as the routes are declared: `GET /api/devices/:id`. */
export type Rights = Readonly<Record<string, Right>>
