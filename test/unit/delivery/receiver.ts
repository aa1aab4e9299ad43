import { deliver, type DeliveryPorts } from '../../../src/delivery/deliver.ts'
import { newLine, nextTry, startable, wake, type Line } from '../../../src/delivery/line.ts'
import type { PostOutcome } from '../../../src/delivery/post.ts'
import type { Aside } from '../../../src/device/aside.ts'
import type { DeviceEvent } from '../../../src/events/event.ts'

export const DELIVERED: PostOutcome = { kind: 'delivered', status: 200 }
export const REFUSED: PostOutcome = { kind: 'refused', status: 500, reason: 'status 500' }
export const down = (retryAfter?: number): PostOutcome => ({
  kind: 'down',
  status: 503,
  reason: 'status 503',
  retryAfter,
})

interface Device {
  readonly events: DeviceEvent[]
  passed: number
  readonly aside: Map<number, Aside>
}

/** Devices with events, a receiver that the test plays, and a clock that jumps to whatever happens next. */
export class TestReceiver {
  now = 1_000_000_000
  readonly line: Line
  readonly devices = new Map<string, Device>()
  /** Every post: when, of which device, which of its events. */
  readonly posts: { at: number; device: string; seq: number; outcome: PostOutcome['kind'] }[] = []
  readonly notes: string[] = []
  givenUp = 0
  dropped = 0
  settings: Partial<DeliveryPorts['webhook']> = {}
  answer: (device: string, seq: number) => PostOutcome | Promise<PostOutcome> = () => DELIVERED
  readonly #running = new Set<Promise<void>>()
  readonly #concurrency: number

  constructor(concurrency = 4) {
    this.#concurrency = concurrency
    this.line = newLine(concurrency)
  }

  /** An event of a device, announced. */
  event(name: string, status?: string): void {
    const unknown: Device = { events: [], passed: 0, aside: new Map() }
    const known = this.devices.get(name) ?? unknown
    const sequence = known.events.length + 1
    known.events.push({
      sequence,
      id: `${name}.${sequence}`,
      topic: 'mdm.Connect',
      at: this.now,
      about: {
        enrollment: { type: 'Device', device: name, user: '' },
        params: {},
        ...(status === undefined ? {} : { status }),
      },
      body: new Uint8Array(),
    })
    this.devices.set(name, known)
    wake(this.line, name)
    this.pump()
  }

  /** Starts what may start now. */
  pump(): void {
    for (const device of startable(this.line, this.#concurrency, this.now)) {
      const run = deliver(this.line, this.#ports(), device).then(() => {
        this.#running.delete(run)
        this.pump()
      })
      this.#running.add(run)
    }
  }

  /** Lets time pass until nothing is left to try before `until`. */
  async run(until: number): Promise<void> {
    for (;;) {
      while (this.#running.size > 0) {
        await Promise.race(this.#running)
      }
      const next = nextTry(this.line)
      if (next === undefined || next > until) {
        this.now = until
        return
      }
      this.now = Math.max(this.now, next)
      this.pump()
    }
  }

  postsOf(device: string): { at: number; seq: number; outcome: string }[] {
    return this.posts.filter((post) => post.device === device)
  }

  #ports(): DeliveryPorts {
    return {
      webhook: {
        concurrency: this.#concurrency,
        rampUp: 1,
        rate: 0,
        maxIdleAge: 0,
        ...this.settings,
      },
      sleep: async (ms) => {
        this.now += ms
      },
      now: () => this.now,
      pull: async (name, request) => {
        const device = this.devices.get(name)
        if (!device) {
          throw new Error(name)
        }
        device.passed = Math.max(device.passed, request.passed ?? 0)
        for (const aside of request.aside ?? []) {
          device.aside.set(aside.seq, aside)
        }
        for (const seq of request.settled ?? []) {
          device.aside.delete(seq)
        }
        const due = [...device.aside.values()].filter(
          ({ nextAt }) => nextAt !== null && nextAt <= this.now,
        )
        const events = device.events.slice(device.passed, device.passed + 5)
        return {
          events: request.read ? events : [],
          asides: request.read
            ? due.flatMap(({ seq, tries }) =>
                device.events
                  .slice(seq - 1, seq)
                  .map((event) => ({ event, tries, since: 0, replay: false })),
              )
            : [],
          upTo: device.passed + events.length,
          more: false,
        }
      },
      post: async (event) => {
        const { device } = event.about.enrollment
        const at = this.now
        const outcome = await this.answer(device, event.sequence)
        this.posts.push({ at, device, seq: event.sequence, outcome: outcome.kind })
        return outcome
      },
      keepCircuit: () => undefined,
      giveUp: () => ++this.givenUp,
      drop: () => ++this.dropped,
      note: () => undefined,
      warn: (event) => this.notes.push(event),
    }
  }
}
