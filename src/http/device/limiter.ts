import { clock, wait } from '../../clock.ts'

/** Leaves the place. */
export type Leave = () => void

export interface Guest {
  /** One of a name is inside or in the line. */
  readonly name?: string
  /** It goes before others in the line. */
  readonly isPreferred?: boolean
  /** Whether it gives its place up to one who comes by the same name or is the first in the line. */
  gives?(to: Guest): boolean
  /** It has lost its place so. */
  lose?(): void
}

/** Lets a few in at a time. A bounded line waits. */
export interface Limiter {
  /** @returns `undefined` when the line is full, when waiting took too long, or when the name is inside or in the line already */
  enter(guest?: Guest): Promise<Leave | undefined>
}

export interface LimiterBounds {
  readonly places: number
  readonly line: number
  /** So long a place is waited for, and so long it is kept (milliseconds). */
  readonly patience: number
  readonly lease: number
}

interface Ticket {
  readonly guest: Guest
  readonly until: number
}

/** Waiting is looking again: a request cannot be woken by another one's. */
const LOOK_EVERY = 50

/** A gate of one isolate. The runtime may end a request where it stands, so that every ticket ends by itself. */
export function createLimiter({ places, line, patience, lease }: LimiterBounds): Limiter {
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

  function take(guest: Guest): Leave {
    const place = { guest, until: clock.now() + lease }
    inside.add(place)
    return () => void inside.delete(place)
  }

  return {
    async enter(guest = {}) {
      look()
      const isNamed = ({ guest: { name } }: Ticket): boolean =>
        name !== undefined && name === guest.name
      const namesakes = [...inside].filter(isNamed)
      if (
        [...waiting].some(isNamed) ||
        (namesakes.length > 0 && !displace(guest, namesakes, inside))
      ) {
        return undefined
      }
      if (waiting.size === 0 && inside.size < places) {
        return take(guest)
      }
      const ticket = { guest, until: clock.now() + patience }
      if (!joinLine(ticket, waiting, line)) {
        return undefined
      }
      while (waiting.has(ticket)) {
        if (
          ticket === nextOf(waiting) &&
          (inside.size < places || displace(guest, [...inside], inside))
        ) {
          waiting.delete(ticket)
          return take(guest)
        }
        await wait(LOOK_EVERY)
        look()
      }
      return undefined
    },
  }
}

/** The first of some that gives its place up to a guest loses it. */
function displace(guest: Guest, among: readonly Ticket[], inside: Set<Ticket>): boolean {
  const loser = among.find((ticket) => ticket.guest.gives?.(guest))
  if (loser) {
    inside.delete(loser)
    loser.guest.lose?.()
  }
  return loser !== undefined
}

function nextOf(waiting: ReadonlySet<Ticket>): Ticket | undefined {
  const [first] = waiting
  return [...waiting].find(({ guest }) => guest.isPreferred) ?? first
}

/** Gives a ticket a place in the line, if there is one. The last one that is not preferred leaves a full line to one that is. */
function joinLine(ticket: Ticket, waiting: Set<Ticket>, line: number): boolean {
  if (waiting.size >= line) {
    const last = [...waiting].findLast(({ guest }) => !guest.isPreferred)
    if (!ticket.guest.isPreferred || !last) {
      return false
    }
    waiting.delete(last)
  }
  waiting.add(ticket)
  return true
}
