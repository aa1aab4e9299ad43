import { commandType, mayBeDestructive } from '../commands/request-types.ts'

/** What a key may do (docs/keys.md). No scope implies another. */
export const SCOPES = [
  'read',
  'command',
  'destructive',
  'enroll',
  'config',
  'secrets',
  'backup',
  'metrics',
  'admin',
] as const

export type Scope = (typeof SCOPES)[number]

export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text)
}

/** The scope that queueing a command of this type needs. A type that is not known counts as destructive. */
export function scopeOfCommand(requestType: string): 'command' | 'destructive' {
  const isKnown = commandType(requestType) !== undefined
  return isKnown && !mayBeDestructive(requestType) ? 'command' : 'destructive'
}
