import { expect, describe, it } from 'vitest'
import { reinstateIdentity, revokeIdentity } from '../../../../src/device/enrolment/revocation.ts'
import { queueCommand } from '../../../../src/device/queue/enqueue.ts'
import { cancelCommand } from '../../../../src/device/queue/cancel.ts'
import { listCommands } from '../../../../src/device/queue/lookup.ts'
import { renewIdentity } from '../../../../src/device/enrolment/identity.ts'
import { lookAt } from '../../../../src/device/runtime/look.ts'
import { notePush } from '../../../../src/device/push/decide.ts'
import { receive } from '../../../../src/device/enrolment/receive.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import {
  viewTimeline,
  type TimelinePlace,
  type TimelineEntry,
  type TimelineFilter,
} from '../../../../src/device/views/timeline.ts'
import type { Enrollment } from '../../../../src/mdm/enrollment.ts'
import { NO_FACTS, type Message } from '../../../../src/mdm/message.ts'
import { TestObject } from '../object.ts'
import { replyOf, tokenUpdate } from '../say.ts'

const ALL: TimelineFilter = { before: undefined, limit: 1000, kinds: [], topics: [], statuses: [] }
const CLAIM = { caKey: 'ca', subject: 's', notAfter: 9e15, issuedHere: false }

function device(keepEvents = { count: 1000, ms: 1e12 }) {
  const keepResults = { kind: 'bounded', count: 1000, ms: 1e12 } as const
  const object = new TestObject('D', { keepEvents, keepResults })
  const say = (message: Message, fingerprint = 'A') =>
    object.commit((context) =>
      receive(context, {
        message,
        body: new Uint8Array(1),
        eventId: crypto.randomUUID(),
        url: 'https://mdm.test/',
        params: {},
        fingerprint,
        claim: CLAIM,
        listeners: [],
        conflictListeners: [],
        deferredListeners: [],
      }),
    )
  const enrollment = (user: string): Enrollment =>
    user === '' ? { type: 'Device', device: 'D', user } : { type: 'User', device: 'D', user }
  const read = (filter: Partial<TimelineFilter> = {}, user = '') =>
    object.commit((context) => {
      const found = lookAt(context, { user, bare: false }, (_, channel) =>
        viewTimeline(context, channel, { ...ALL, ...filter }),
      )
      return found.kind === 'timeline' ? found : { entries: [], next: undefined }
    })
  const tell = (status: string, commandUUID?: string, user = '') =>
    say({ kind: 'report', enrollment: enrollment(user), status, commandUUID })
  return {
    object,
    read,
    enroll: (fingerprint = 'A') => {
      say(
        {
          kind: 'checkin',
          messageType: 'Authenticate',
          enrollment: enrollment(''),
          topic: 'topic',
          facts: NO_FACTS,
        },
        fingerprint,
      )
      say(tokenUpdate(enrollment('')), fingerprint)
    },
    join: (user: string) => say(tokenUpdate(enrollment(user))),
    queue: (uuid: string, user = '') =>
      object.commit((context) =>
        queueCommand(context, user, {
          uuid,
          requestType: 'ProfileList',
          payload: new TextEncoder().encode(uuid),
          secret: false,
          source: '',
          by: { face: 'api', actor: 'ada' },
        }),
      ),
    tell,
    /** The device comes, and answers what it is given, until there is no more. */
    visit: (statusOf: (uuid: string) => string, user = '') => {
      let given = replyOf(tell('Idle', undefined, user))
      while (given !== '') {
        given = replyOf(tell(statusOf(given), given, user))
      }
    },
    pushed: (id: string, user = '') =>
      object.commit((context) => {
        notePush(context, channelOf(context, user), { kind: 'delivered', id })
      }),
    cancel: (n: number) =>
      object.commit((context) =>
        cancelCommand(context, channelOf(context, ''), { enrollment: 'D', n }),
      ),
    /** In pages; `between` happens after each. */
    pages: (limit: number, between = () => {}, user = '') => {
      const all: TimelineEntry[] = []
      let before: TimelinePlace | undefined
      do {
        const page = read({ before, limit }, user)
        expect(page.entries.length).toBeLessThanOrEqual(limit)
        all.push(...page.entries)
        before = page.next
        between()
      } while (before)
      return all
    },
  }
}

/** What tells two entries apart. */
function told(entry: TimelineEntry): string {
  switch (entry.of) {
    case 'event':
      return `${entry.kind} ${entry.event.about.status ?? entry.event.topic} ${entry.event.sequence}`
    case 'command':
      return `${entry.step} ${entry.command.id}`
    case 'push':
      return `pushed ${entry.user}${entry.push.detail}`
    case 'identity':
      return `${entry.step} ${entry.fingerprint} ${entry.at}`
  }
}

const words = (entries: readonly TimelineEntry[]) =>
  entries.map((entry) => told(entry).replace(/ \d+$/, '')).toReversed()

/** A device with two channels and much behind it, some of it put off for good. */
function busy() {
  const one = device()
  one.enroll()
  one.join('U')
  for (let n = 0; n < 12; n++) {
    const user = n % 3 === 0 ? 'U' : ''
    one.queue(`A${n}`, user)
    one.pushed(`push ${n}`, user)
    one.queue(`B${n}`, user)
    one.visit(putOff, user)
  }
  return one
}

const putOff = (uuid: string) => (/A[147]$/.test(uuid) ? 'NotNow' : 'Acknowledged')

describe('a timeline', () => {
  it('puts events, commands, pushes and identities into one order, each with its details', () => {
    const one = device()
    one.enroll()
    one.queue('A')
    one.pushed('p1')
    one.queue('B')
    one.queue('C')
    one.tell('Idle')
    one.tell('NotNow', 'A')
    one.tell('Acknowledged', 'B')
    one.cancel(3)
    one.object.commit((context) => {
      const succession = { previous: 'A', fingerprint: 'B', claim: CLAIM, byProfile: false }
      renewIdentity(context, succession)
    })
    one.object.commit((context) => revokeIdentity(context, 'A'))
    one.object.commit((context) => revokeIdentity(context, 'A'))
    one.object.commit((context) => reinstateIdentity(context, 'A'))
    one.pushed('p2')
    const { entries } = one.read()
    expect(words(entries)).toEqual([
      'check-in mdm.Authenticate',
      'bound A',
      'check-in mdm.TokenUpdate',
      'queued D.1',
      'pushed p1',
      'queued D.2',
      'queued D.3',
      'handed_out D.1',
      'report NotNow',
      'not_now D.1',
      'handed_out D.2',
      'report Acknowledged',
      'answered D.2',
      'handed_out D.3',
      'ended D.3',
      'renewed B',
      'revoked A',
      'reinstated A',
      'pushed p2',
    ])
    expect(entries.map(({ at }) => at)).toEqual(
      entries.map(({ at }) => at).toSorted((a, b) => b - a),
    )
    expect(entries.find((entry) => told(entry) === 'queued D.1')).toMatchObject({
      kind: 'command',
      command: { uuid: 'A', queuedBy: { face: 'api', actor: 'ada' }, notNows: 1 },
    })
  })

  it.each([1, 2, 3, 7, 50])('is the same in pages of %i as in one', (limit) => {
    const one = busy()
    const whole = one.read().entries.map(told)
    expect(whole.length).toBeGreaterThan(80)
    expect(new Set(whole).size).toBe(whole.length)
    expect(one.pages(limit).map(told)).toEqual(whole)
    // Memory had the last answers of APNs, and the rows have older ones.
    one.object.evict()
    expect(one.pages(limit).map(told)).toEqual(one.read().entries.map(told))
  })

  it.each([1, 2, 5])(
    'repeats and misses no entry in pages of %i while new ones are added',
    (limit) => {
      const one = busy()
      const whole = one.read().entries.map(told)
      let n = 0
      const paged = one.pages(limit, () => {
        n += 1
        one.queue(`new ${n}`)
        one.visit((uuid) => (n === 6 ? 'Acknowledged' : putOff(uuid)))
      })
      expect(paged.map(told)).toEqual(whole)
    },
  )

  it('of a user has that user’s entries only, and the device’s has all', () => {
    const one = busy()
    const of = (user: string) => one.read({}, user).entries.map(told)
    expect(of('U').length).toBeGreaterThan(20)
    expect(of('U')).toEqual(of('').filter((entry) => of('U').includes(entry)))
    expect(words(one.read({}, 'U').entries).filter((entry) => /D\.|bound/.test(entry))).toEqual([])
    expect(of('unknown')).toEqual([])
    expect(of('').some((entry) => entry.includes('D:U.1'))).toBe(true)
  })

  it('shows the requested kinds; topics and statuses are of events', () => {
    const one = busy()
    const kinds = (filter: Partial<TimelineFilter>) => [
      ...new Set(one.read(filter).entries.map(({ kind, of }) => `${kind} of ${of}`)),
    ]
    expect(kinds({ kinds: ['push'] })).toEqual(['push of push'])
    expect(kinds({ kinds: ['command'] })).toEqual(['command of command', 'command of event'])
    expect(kinds({ kinds: ['identity', 'check-in'] }).toSorted()).toEqual([
      'check-in of event',
      'identity of identity',
    ])
    expect(kinds({ statuses: ['Acknowledged'] })).toEqual(['report of event'])
    expect(kinds({ topics: ['mdm.TokenUpdate'] })).toEqual(['check-in of event'])
    expect(kinds({ topics: ['mdm.TokenUpdate'], kinds: ['report'] })).toEqual([])
  })

  it('shows commands where no events are kept, and one that has expired by now', () => {
    const one = device({ count: 0, ms: 0 })
    one.enroll()
    one.object.commit((context) =>
      queueCommand(context, '', {
        uuid: 'A',
        requestType: 'ProfileList',
        payload: new Uint8Array(1),
        secret: false,
        source: '',
        terms: { notBefore: 0, expiresAt: context.now + 1000, requestKey: '', requestHash: '' },
      }),
    )
    one.object.now += 2000
    expect(words(one.read({ kinds: ['command'] }).entries)).toEqual(['queued D.1', 'ended D.1'])
  })

  it('agrees with a waiting command on APNs’s last answer, not on that before its last hand-out', () => {
    const one = device()
    one.enroll()
    one.queue('A')
    one.pushed('p1')
    one.tell('Idle')
    one.tell('NotNow', 'A')
    one.pushed('p2')
    const last = () => {
      const all = { before: undefined, limit: 1, states: [], requestType: undefined }
      const list = one.object.commit((context) =>
        listCommands(context, channelOf(context, ''), all),
      )
      return list.kind === 'list' ? list.commands[0]?.push?.detail : undefined
    }
    expect(last()).toBe('p2')
    one.object.evict()
    expect(last()).toBe('p1')
  })

  it('of an id that is not known is empty', () => {
    expect(device().read()).toMatchObject({ entries: [], next: undefined })
  })
})
