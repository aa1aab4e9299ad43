import type { DeliveryPorts, PostTarget } from '../../../src/webhooks/attempt.ts'
import { deliver } from '../../../src/webhooks/deliver.ts'
import type { Post } from '../../../src/webhooks/log.ts'
import { addDevice, newLane, nextTry, startDevices, type Lane } from '../../../src/webhooks/lane.ts'
import type { PostOutcome } from '../../../src/webhooks/post.ts'
import { pull } from '../../../src/device/outbox/read.ts'
import { recordEvent } from '../../../src/device/outbox/record.ts'
import { replay } from '../../../src/device/outbox/replay.ts'
import { TestObject } from '../device/object.ts'

export const DELIVERED: PostOutcome = { kind: 'delivered', status: 200 }
export const REFUSED: PostOutcome = { kind: 'refused', status: 500, reason: 'status 500' }
export const down = (retryAfter?: number): PostOutcome => ({
  kind: 'down',
  status: 503,
  reason: 'status 503',
  retryAfter,
})

export interface AsideRow {
  readonly seq: number
  readonly tries: number
  readonly next_at: number | null
  readonly replay: number
}

const TOPICS = ['mdm.Connect'] as const
const FILTER = { topics: TOPICS, statuses: null }
/** All events are kept, so that those that were delivered can be replayed. */
const KEEP = { keepEvents: { count: 1000, ms: Number.MAX_SAFE_INTEGER } }
const UNREACHABLE = 5000
const MAX_ROUNDS = 100_000

type Settings = Omit<PostTarget, 'post'> & { readonly url: string }

/** Device objects with events, a receiver whose answers the test gives, and a clock that jumps to the next try. */
export class TestReceiver {
  now = 1_000_000_000
  readonly lane: Lane
  /** Every post, with its time, device and event. */
  readonly posts: {
    at: number
    device: string
    seq: number
    outcome: PostOutcome['kind']
    replay: boolean
    url: string
  }[] = []
  readonly notes: string[] = []
  readonly attempts: Omit<Post, 'n'>[] = []
  givenUp = 0
  dropped = 0
  settings: Partial<Settings> = {}
  /** The webhook was removed or disabled. */
  isGone = false
  answer: (device: string, seq: number) => PostOutcome | Promise<PostOutcome> = () => DELIVERED
  /** Called before each call of a device; may throw, as a device does that cannot be reached. */
  reach: (device: string, reports: boolean) => void = () => undefined
  readonly #devices = new Map<string, TestObject>()
  readonly #running = new Set<Promise<void>>()
  readonly #concurrency: number

  constructor(concurrency = 4) {
    this.#concurrency = concurrency
    this.lane = newLane(concurrency)
  }

  /** Records an event of a device and announces it. */
  event(name: string, status?: string): void {
    this.#commit(name, (context) => {
      const enrollment = { type: 'Device', device: name, user: '' } as const
      const about = { enrollment, params: {}, ...(status === undefined ? {} : { status }) }
      const event = { id: crypto.randomUUID(), topic: TOPICS[0], about, body: new Uint8Array() }
      recordEvent(context, event, ['webhook'])
    })
    this.wake(name)
  }

  /** Replays all events that a device keeps. */
  replay(name: string): void {
    this.#commit(name, (context) => {
      const order = { subscriber: 'webhook', events: null, filter: FILTER, dryRun: false }
      replay(context, '', { ...order, from: 0, to: Infinity })
    })
    this.wake(name)
  }

  wake(name: string): void {
    addDevice(this.lane, name)
    this.pump()
  }

  /** Starts the posts that may start now. */
  pump(): void {
    if (this.isGone) {
      return
    }
    for (const device of startDevices(this.lane, this.#concurrency, this.now)) {
      const run = deliver(this.lane, this.#ports(), device)
        .catch((error: unknown) => {
          this.notes.push(String(error))
          settleUnreachable(this.lane, device, this.now)
        })
        .then(() => {
          this.#running.delete(run)
          this.pump()
        })
      this.#running.add(run)
    }
  }

  /** Turns the clock from try to try until none is left before `until`. Devices announce retries that are due. */
  async run(until: number): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await this.settled()
      const inOrder = nextTry(this.lane, this.#concurrency) ?? Infinity
      const besides = [...this.#devices.keys()].map((name) => [name, this.#dueAt(name)] as const)
      const next = Math.min(inOrder, ...besides.map(([, at]) => at))
      if (next === Infinity || next > until) {
        this.now = Math.max(this.now, until)
        return
      }
      this.now = Math.max(this.now, next)
      for (const [name, at] of besides) {
        if (at <= this.now) {
          addDevice(this.lane, name)
        }
      }
      this.pump()
    }
    throw new Error(`${MAX_ROUNDS} tries have led nowhere: it is ${this.now}, and not yet ${until}`)
  }

  /** Waits until all posts in flight have come back and no more start. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.race(this.#running)
    }
  }

  postsOf(device: string): typeof this.posts {
    return this.posts.filter((post) => post.device === device)
  }

  /** The events of a device that the receiver accepted, in their order. */
  takenOf(device: string): number[] {
    return this.postsOf(device)
      .filter(({ outcome }) => outcome === 'delivered')
      .map(({ seq }) => seq)
  }

  asidesOf(name: string): AsideRow[] {
    return this.#device(name)
      .db()
      .all<AsideRow>('SELECT seq, tries, next_at, replay FROM aside ORDER BY seq')
  }

  #dueAt(name: string): number {
    if (this.lane.ready.has(name) || this.lane.waiting.has(name)) {
      return Infinity
    }
    const due = this.asidesOf(name).flatMap(({ next_at }) => next_at ?? [])
    return Math.min(Infinity, ...due)
  }

  #device(name: string): TestObject {
    const device = this.#devices.get(name) ?? new TestObject(name, KEEP)
    this.#devices.set(name, device)
    return device
  }

  #commit<Answer>(name: string, decide: Parameters<TestObject['commit']>[0]): Answer {
    const device = this.#device(name)
    device.now = this.now - 1
    return device.commit(decide) as Answer
  }

  #post(url: string): PostTarget['post'] {
    return async (event, isReplay) => {
      const { device } = event.about.enrollment
      const at = this.now
      const outcome = await this.answer(device, event.sequence)
      this.posts.push({
        at,
        device,
        seq: event.sequence,
        outcome: outcome.kind,
        replay: isReplay,
        url,
      })
      return outcome
    }
  }

  #ports(): DeliveryPorts {
    const usual = { concurrency: this.#concurrency, rampUp: 1, rate: 0, maxIdleAge: 0, url: '' }
    return {
      webhook: async () => {
        const settings = { ...usual, ...this.settings }
        return this.isGone ? undefined : { ...settings, post: this.#post(settings.url) }
      },
      sleep: async (ms) => {
        this.now += ms
      },
      now: () => this.now,
      pull: async (name, request) => {
        this.reach(name, request.passed !== undefined || request.settled !== undefined)
        return this.#commit(name, (context) =>
          pull(context, { ...request, subscriber: 'webhook', ...FILTER }),
        )
      },
      keepCircuit: () => undefined,
      addDeadLetter: () => ++this.givenUp,
      drop: () => ++this.dropped,
      note: (post) => this.attempts.push(post),
      log: (event) => this.notes.push(event),
      warn: (event) => this.notes.push(event),
    }
  }
}

function settleUnreachable(lane: Lane, device: string, now: number): void {
  lane.busy.delete(device)
  lane.again.delete(device)
  lane.waiting.set(device, now + UNREACHABLE)
}
