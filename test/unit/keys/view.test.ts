import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { makeKey, withSecret } from '../../../src/keys/key.ts'
import { SCOPES } from '../../../src/keys/scopes.ts'
import {
  callerOfKey,
  callerOfSession,
  hashCookie,
  type KeyEntry,
  type KeyView,
  type SessionEntry,
} from '../../../src/keys/view.ts'

const NOW = Date.parse('2026-11-28T09:00:00Z')
const HOUR = 3_600_000
const COOKIE = randomBytes(32).toString('base64url')

const made = makeKey(randomBytes)
const rolled = withSecret(made.id, randomBytes)

function entry(more: Partial<KeyEntry> = {}): KeyEntry {
  return {
    id: made.id,
    name: 'ci',
    scopes: ['read', 'command'],
    hash: made.secretHash,
    rolls: 0,
    expiresAt: 0,
    ...more,
  }
}

const afterRoll = entry({
  hash: rolled.secretHash,
  rolls: 1,
  old: { hash: made.secretHash, until: NOW + HOUR },
})

function session(more: Partial<SessionEntry> = {}): SessionEntry {
  return {
    hash: hashCookie(COOKIE),
    keyId: made.id,
    rolls: 0,
    who: 'Ada',
    madeAt: NOW,
    seenAt: NOW,
    expiresAt: NOW + 12 * HOUR,
    ...more,
  }
}

function view(keys: readonly KeyEntry[], sessions: readonly SessionEntry[] = []): KeyView {
  return { version: 'v', keys, sessions }
}

describe('a key', () => {
  it('opens what its scopes say', () => {
    expect(callerOfKey(view([entry()]), made.text, NOW)).toEqual({
      id: made.id,
      name: 'ci',
      scopes: ['read', 'command'],
    })
  })

  it('is not known by its id alone', () => {
    expect(callerOfKey(view([entry()]), rolled.text, NOW)).toBeUndefined()
  })

  it('is not known once it is revoked, even with an empty secret in its place', () => {
    expect(callerOfKey(view([]), made.text, NOW)).toBeUndefined()
    const empty = entry({ hash: new Uint8Array(32), old: { hash: new Uint8Array(32), until: NOW } })
    expect(callerOfKey(view([empty]), made.text, NOW)).toBeUndefined()
  })

  it('ends at its expiry', () => {
    const expiring = view([entry({ expiresAt: NOW + HOUR })])
    expect(callerOfKey(expiring, made.text, NOW + HOUR - 1)?.expiresAt).toBe(NOW + HOUR)
    expect(callerOfKey(expiring, made.text, NOW + HOUR)).toBeUndefined()
  })

  it('has two good secrets in the overlap of a roll, and then the new one', () => {
    const overlap = view([afterRoll])
    expect(callerOfKey(overlap, made.text, NOW + HOUR - 1)?.expiresAt).toBe(NOW + HOUR)
    expect(callerOfKey(overlap, rolled.text, NOW)).not.toHaveProperty('expiresAt')
    expect(callerOfKey(overlap, made.text, NOW + HOUR)).toBeUndefined()
    expect(callerOfKey(overlap, rolled.text, NOW + HOUR)?.id).toBe(made.id)
  })

  it('ends before the overlap does, if it expires first', () => {
    const expiring = view([{ ...afterRoll, expiresAt: NOW + 1000 }])
    expect(callerOfKey(expiring, made.text, NOW)?.expiresAt).toBe(NOW + 1000)
    expect(callerOfKey(expiring, made.text, NOW + 1000)).toBeUndefined()
  })
})

describe('a session', () => {
  const opened = (keys: readonly KeyEntry[], more: Partial<SessionEntry> = {}, now = NOW) =>
    callerOfSession(view(keys, [session(more)]), COOKIE, now, [])

  it('has the scopes of its key and the name of the person', () => {
    expect(opened([entry()])).toEqual({
      id: made.id,
      name: 'ci',
      scopes: ['read', 'command'],
      expiresAt: NOW + 12 * HOUR,
      session: { hash: hashCookie(COOKIE), who: 'Ada' },
    })
  })

  it('is found by its cookie alone', () => {
    const its = view([entry()], [session()])
    expect(callerOfSession(its, hashCookie(COOKIE), NOW, [])).toBeUndefined()
    expect(callerOfSession(its, '', NOW, [])).toBeUndefined()
  })

  it('ends at its end, and after two hours without use', () => {
    const twelve = NOW + 12 * HOUR
    expect(opened([entry()], { seenAt: twelve - 1 }, twelve - 1)).toBeDefined()
    expect(opened([entry()], { seenAt: twelve - 1 }, twelve)).toBeUndefined()
    expect(opened([entry()], {}, NOW + 2 * HOUR - 1)).toBeDefined()
    expect(opened([entry()], {}, NOW + 2 * HOUR)).toBeUndefined()
  })

  it('ends with its key', () => {
    expect(opened([])).toBeUndefined()
    expect(opened([entry({ expiresAt: NOW })])).toBeUndefined()
    expect(opened([entry({ expiresAt: NOW + 1 })])?.expiresAt).toBe(NOW + 1)
  })

  it('ends with the secret of its sign-in', () => {
    expect(opened([afterRoll])?.expiresAt).toBe(NOW + HOUR)
    expect(opened([afterRoll], {}, NOW + HOUR)).toBeUndefined()
    expect(opened([afterRoll], { rolls: 1 }, NOW + HOUR)).toBeDefined()
    expect(opened([{ ...afterRoll, rolls: 2 }])).toBeUndefined()
    // A restored key whose rolls are fewer than those of the session.
    expect(opened([entry()], { rolls: 1 })).toBeUndefined()
  })

  it('of a bootstrap key has all scopes, as long as that key is accepted', () => {
    const its = view([entry()], [session({ keyId: 'deadbeef' })])
    expect(
      callerOfSession(its, COOKIE, NOW, [{ id: 'deadbeef', name: 'bootstrap' }]),
    ).toMatchObject({
      id: 'deadbeef',
      name: 'bootstrap',
      scopes: SCOPES,
      session: { who: 'Ada' },
    })
    expect(
      callerOfSession(its, COOKIE, NOW, [{ id: '0badcafe', name: 'bootstrap' }]),
    ).toBeUndefined()
    expect(callerOfSession(its, COOKIE, NOW, [])).toBeUndefined()
  })
})
