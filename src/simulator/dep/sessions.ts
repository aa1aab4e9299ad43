/** Sessions of the simulated service: lifetime, rotation, and refusal. */
import { Buffer } from 'node:buffer'
import { blame, type DepSession, AppleRefusal, type DepService } from './service.ts'
import type { AbmServer } from './state.ts'

/** A client that keeps its session has one; a second one may follow a restart. */
const MOST_SESSIONS = 2

export function newSession(service: DepService, { uuid }: AbmServer, path: string): string {
  const { sessions, behaviour, random } = service
  const live = [...sessions].filter(([, one]) => one.server === uuid && isLive(service, one))
  if (behaviour.oneSession) {
    live.forEach(([id]) => sessions.delete(id))
  } else if (live.length >= MOST_SESSIONS) {
    blame(service, 'many sessions', path, `${live.length + 1} at a time`)
  }
  const id = `S${Buffer.from(random(24)).toString('base64url')}`
  sessions.set(id, { server: uuid, began: service.now(), calls: 0 })
  return id
}

/**
 * The server of a session, and the session for the next call when it has changed.
 * @throws AppleRefusal for a session that is not live
 */
export function openSession(
  service: DepService,
  id: string,
): { readonly server: AbmServer; readonly next: string | undefined } {
  const { sessions, behaviour, state } = service
  const session = sessions.get(id)
  const server = session && state.servers[session.server]
  if (!server || !isLive(service, session)) {
    const { status, word } = behaviour.refusedSession
    throw new AppleRefusal(status, word)
  }
  session.calls += 1
  if (behaviour.rotateEvery === 0 || session.calls < behaviour.rotateEvery) {
    return { server, next: undefined }
  }
  sessions.delete(id)
  return { server, next: newSession(service, server, 'rotation') }
}

function isLive({ now, behaviour }: DepService, { began }: DepSession): boolean {
  return now() - began < behaviour.sessionLifetime
}
