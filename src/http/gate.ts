import { clock, wait } from '../clock.ts'

/** Leaves the place. */
export type Leave = () => void

/** Lets a few in at a time. A bounded line waits. */
export interface Gate {
  /** @returns `undefined` when the line is full, when waiting took too long, or when the name is inside or in the line already */
  enter(name?: string): Promise<Leave | undefined>
}

export interface GateBounds {
  readonly places: number
  readonly line: number
  /** So long a place is waited for, and so long it is kept (milliseconds). */
  readonly patience: number
  readonly lease: number
}

interface Ticket {
  readonly name: string | undefined
  readonly until: number
}

/** Waiting is looking again: a request cannot be woken by another one's. */
const LOOK_EVERY = 50

/** A gate of one isolate. The runtime may end a request where it stands, so that every ticket ends by itself. */
export function createGate({ places, line, patience, lease }: GateBounds): Gate {
  const inside = new Set<Ticket>()
  const waiting = new Set<Ticket>()

  function ended(tickets: Set<Ticket>): void {
    for (const ticket of tickets) {
      if (ticket.until <= clock.now()) {
        tickets.delete(ticket)
      }
    }
  }

  function look(): void {
    ended(inside)
    ended(waiting)
  }

  function take(name: string | undefined): Leave {
    const place = { name, until: clock.now() + lease }
    inside.add(place)
    return () => void inside.delete(place)
  }

  return {
    async enter(name) {
      look()
      const isNamed = [...inside, ...waiting].some((ticket) => ticket.name === name)
      if (name !== undefined && isNamed) {
        return undefined
      }
      if (waiting.size === 0 && inside.size < places) {
        return take(name)
      }
      if (waiting.size >= line) {
        return undefined
      }
      const ticket = { name, until: clock.now() + patience }
      waiting.add(ticket)
      while (waiting.has(ticket)) {
        await wait(LOOK_EVERY)
        look()
        const [first] = waiting
        if (first === ticket && inside.size < places) {
          waiting.delete(ticket)
          return take(name)
        }
      }
      return undefined
    },
  }
}
