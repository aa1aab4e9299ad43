import { describe, expect, it } from 'vitest'
import { queueCommand } from '../../../../src/device/queue/enqueue.ts'
import { listCommands, revealCommand } from '../../../../src/device/queue/lookup.ts'
import type { Context } from '../../../../src/device/store/context.ts'
import { directoryRow } from '../../../../src/device/standing/directory-row.ts'
import { knownChannel } from '../../../../src/device/store/channels.ts'
import { pushTarget } from '../../../../src/device/push/decide.ts'
import { receive } from '../../../../src/device/enrolment/receive.ts'
import { rowOf } from '../../../../src/device/store/commands/ids.ts'
import { viewTimeline } from '../../../../src/device/views/timeline.ts'
import { claimKept, userClaim, wantedClaim } from '../../../../src/device/enrolment/user-claim.ts'
import type { Enrollment } from '../../../../src/mdm/enrollment.ts'
import { NO_FACTS, type Message } from '../../../../src/mdm/message.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'
import { tokenUpdate } from '../say.ts'

const DAY = 86_400_000

/** An enrolled device, and the messages of its users. */
class SharedMac extends TestObject {
  say(message: Message): void {
    this.commit((context) =>
      receive(context, {
        message,
        body: new Uint8Array([1]),
        eventId: `${context.now}`,
        url: 'https://mdm.test/mdm',
        params: {},
        fingerprint: 'A',
        claim: { caKey: 'ca', subject: 'CN=device', notAfter: 1e15, issuedHere: false },
        listeners: [],
        conflictListeners: [],
        deferredListeners: [],
      }),
    )
  }

  enrollment(user: string): Enrollment {
    return { type: user === '' ? 'Device' : 'User', device: this.name, user }
  }

  authenticate(): void {
    const enrollment = this.enrollment('')
    const messageType = 'Authenticate'
    this.say({ kind: 'checkin', enrollment, messageType, topic: 'topic', facts: NO_FACTS })
    this.token('')
  }

  idle(user: string, status = 'Idle', commandUUID?: string): void {
    this.say({ kind: 'report', enrollment: this.enrollment(user), status, commandUUID })
  }

  token(user: string): void {
    this.say(tokenUpdate(this.enrollment(user)))
  }

  /** More users, with one message each. */
  crowd(count: number, name = 'u'): void {
    this.commit((context) => {
      for (let n = 0; n < count; n++) {
        const enrollment = this.enrollment(`${name}${n}`)
        wantedClaim(context, { kind: 'report', enrollment, status: 'Idle', commandUUID: undefined })
      }
    })
  }

  /** The same, written directly, with their claims made or parked. */
  seed(count: number, name = 'u', parked = false): void {
    this.db().run(
      `INSERT INTO channels (id, user, used_at, parked, state)
        WITH RECURSIVE new(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM new WHERE n < ?)
        SELECT last + 1 + n, ? || n, ?, ?, json_object('id', last + 1 + n, 'user', ? || n, 'enabled',
          json('true'), 'claim', ?, 'usedAt', ?, 'parked', json(?))
        FROM new, (SELECT coalesce(max(id), 0) AS last FROM channels)`,
      count - 1,
      name,
      this.now,
      Number(parked),
      name,
      parked ? 'none' : 'made',
      this.now,
      String(parked),
    )
    this.evict()
  }

  /** Others were used since. */
  neglect(...users: string[]): void {
    this.db().run(
      `UPDATE channels SET used_at = ?, state = json_set(state, '$.usedAt', ?)
        WHERE user NOT IN (SELECT value FROM json_each(?))`,
      this.now,
      this.now,
      JSON.stringify(users),
    )
    this.evict()
  }

  queue(user: string, uuid: string) {
    const payload = new TextEncoder().encode(uuid)
    const command = { uuid, requestType: 'ProfileList', payload, secret: false, source: '' }
    return this.commit((context) => queueCommand(context, user, command))
  }

  /** The commands of a user, and their states. */
  commands(user: string): string[] {
    const all = { before: undefined, limit: 100, states: [], requestType: undefined }
    const found = this.commit((context) => listCommands(context, channelOf(context, user), all))
    return found.kind === 'list' ? found.commands.map(({ uuid, state }) => `${uuid} ${state}`) : []
  }

  inUse(user: string): boolean {
    return this.commit(({ state }) => state.channels.some((channel) => channel.user === user))
  }

  count(table: string): number {
    const [row] = this.db().all<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)
    return row?.n ?? 0
  }
}

function mac(): SharedMac {
  const object = new SharedMac()
  object.authenticate()
  return object
}

describe('users of a device', () => {
  it('are at most 500 in memory and about a thousand rows, even if a device invents users', () => {
    const object = mac()
    object.crowd(1500)
    for (const loaded of ['as they came', 'loaded again']) {
      const { channels } = object.commit(({ state }) => state)
      expect({ loaded, users: channels.length - 1 }).toEqual({ loaded, users: 500 })
      expect(object.count('channels')).toBeLessThanOrEqual(1051)
      object.evict()
    }
    expect(object.inUse('u1499')).toBe(true)
  })

  it('get the number of a deleted one when no new number is left', () => {
    const object = mac()
    object.crowd(2)
    object
      .db()
      .run("UPDATE channels SET id = 8190, state = json_set(state, '$.id', 8190) WHERE user = 'u1'")
    object.evict()
    object.queue('next', '1')
    object.queue('last', '2')
    expect(object.commit(({ state }) => state.channels.map(({ id }) => id))).toEqual([
      0, 1, 8190, 2, 3,
    ])
    expect(object.commands('last')).toEqual(['2 queued'])
  })

  it('are announced to the directory while they are in use', () => {
    const object = mac()
    object.idle('u0')
    object.commit((context) => {
      claimKept(context, 'u0')
    })
    object.seed(499, 'other')
    object.crowd(1, 'new')
    const row = object.commit(directoryRow)
    expect(row?.users).toHaveLength(500)
    expect(row?.users).not.toContain('u0')
    expect(object.commit((context) => userClaim(context, 'u0'))).toMatchObject({ holds: false })
    object.idle('u0')
    expect(object.commit((context) => userClaim(context, 'u0'))).toMatchObject({ holds: true })
    expect(object.commit(({ state }) => knownChannel(state, 'u0')?.claim)).toBe('wanted')
  })

  it('are parked by their last use, which is stored to a day and costs one row a day', () => {
    const object = mac()
    object.idle('daily')
    object.seed(499)
    object.now += 2 * DAY
    object.idle('daily')
    expect(object.count(`channels WHERE used_at = ${object.now}`)).toBe(1)
    object.crowd(100, 'later')
    expect(object.inUse('daily')).toBe(true)
    expect(object.inUse('u0')).toBe(false)
    object.evict()
    expect(object.inUse('daily')).toBe(true)
  })
})

describe('a parked user', () => {
  /** A device whose first user has a token and a command, and is parked. */
  function parked(): SharedMac {
    const object = mac()
    object.token('ada')
    object.queue('ada', 'waits')
    object.seed(499)
    object.crowd(1, 'new')
    expect(object.effects.notes).toEqual([
      { event: 'mdm:user-parked', device: 'UDID-1', user: true },
    ])
    expect(object.inUse('ada')).toBe(false)
    return object
  }

  it('is in use again with its commands and its token after a message', () => {
    const object = parked()
    object.seed(600, 'old', true)
    object.crowd(50, 'more')
    expect(object.count('channels')).toBeLessThan(1100)
    object.idle('ada')
    expect(object.inUse('ada')).toBe(true)
    expect(object.commands('ada')).toEqual(['waits sent'])
    expect(object.commit((context) => pushTarget(context, 'ada', 'topic')).kind).toBe('ready')
    object.idle('ada', 'Acknowledged', 'waits')
    object.queue('ada', 'next')
    expect(object.commands('ada')).toEqual(['next queued', 'waits acknowledged'])
  })

  it('leaves nothing in memory', () => {
    const object = mac()
    object.seed(499)
    object.now -= 1000
    object.queue('ada', 'waits')
    object.idle('ada')
    const inMemory = () => object.commit(({ state }) => [...state.queues.keys()])
    expect(inMemory()).toContain(500)
    object.now += 1000
    object.crowd(1, 'new')
    expect(inMemory()).not.toContain(500)
  })

  it('is found by an admin, and its commands are listed, queued and cancelled as before', () => {
    const object = parked()
    expect(object.commands('ada')).toEqual(['waits queued'])
    object.neglect('ada')
    object.crowd(1, 'more')
    expect(object.queue('ada', 'next')).toMatchObject({ kind: 'queued', id: 'UDID-1:ada.2' })
    expect(object.effects.push.size).toBe(1)
    expect(object.inUse('ada')).toBe(true)
  })

  it('is in the timeline of its device', () => {
    const object = parked()
    const filter = { before: undefined, limit: 100, kinds: ['command'], topics: [], statuses: [] }
    expect(
      object.commit((context) => viewTimeline(context, channelOf(context, ''), filter)),
    ).toMatchObject({
      entries: [{ of: 'command', command: { id: 'UDID-1:ada.1' } }],
    })
    expect(object.inUse('ada')).toBe(false)
  })

  it('does not get commands of the enrolment before in a new enrolment', () => {
    const object = parked()
    object.idle('ada')
    object.idle('ada', 'NotNow', 'waits')
    object.neglect('ada')
    object.crowd(1, 'more')
    expect(object.inUse('ada')).toBe(false)
    object.authenticate()
    object.idle('ada')
    expect(object.commands('ada')).toEqual(['waits superseded'])
    const check = object.commit((context) => pushTarget(context, 'ada', 'topic'))
    expect(check.kind).toBe('cannot')
  })

  it('is not pushed after its device has checked out', () => {
    const object = parked()
    const enrollment = object.enrollment('')
    object.say({ kind: 'checkin', enrollment, messageType: 'CheckOut' })
    const check = object.commit((context) => pushTarget(context, 'ada', 'topic'))
    expect(check.kind).toBe('cannot')
    expect(object.commands('ada')).toEqual(['waits queued'])
  })

  it('without pending commands is deleted after 500 others, unless a read secret names it', () => {
    const object = mac()
    for (const user of ['ada', 'bob']) {
      object.queue(user, 'done')
      object.idle(user)
      object.idle(user, 'Acknowledged', 'done')
    }
    const reader = { who: 'eve', address: '', reason: 'ticket' }
    const reveal = (context: Context) =>
      revealCommand(context, 'bob', { enrollment: 'UDID-1:bob', n: 1 }, reader)
    expect(object.commit(reveal).kind).toBe('command')
    object.seed(498)
    object.crowd(2, 'more')
    expect(object.inUse('ada')).toBe(false)
    expect(object.commands('ada')).toEqual(['done acknowledged'])
    object.neglect('ada', 'bob')
    object.crowd(2, 'others')
    object.seed(500, 'parked', true)
    object.crowd(50, 'last')
    expect(object.count("channels WHERE user IN ('ada', 'bob')")).toBe(1)
    expect(object.count('commands')).toBe(1)
    expect(object.commands('ada')).toEqual([])
    expect(object.commands('bob')).toEqual(['done acknowledged'])
  })

  it('with pending commands may be one of a thousand: then no more commands are queued for users', () => {
    const object = mac()
    object.seed(500)
    object.seed(999, 'waiting', true)
    object.db().run(
      `INSERT INTO commands (id, uuid, request_type, state, rounds, queued_at, handed_out_at, not_now_at,
        answered_at, result_hash, secret, source, payload)
        SELECT id * ? + 1, 'old', 'ProfileList', 'queued', 0, 1, 0, 0, 0, '', 0, '', x'00'
        FROM channels WHERE parked = 1`,
      rowOf({ id: 1 }, 0),
    )
    object.queue('u1', 'settled')
    expect(object.queue('u0', 'before').kind).toBe('queued')
    expect(object.queue('new', 'last').kind).toBe('full')
    expect(object.queue('u1', 'other')).toMatchObject({
      kind: 'full',
      error: expect.stringContaining('UDID-1'),
    })
    expect(object.queue('', 'device').kind).toBe('queued')
    expect(object.commands('u0')).toEqual(['before queued'])
    expect(object.commands('waiting0')).toEqual(['old queued'])
  })
})
