import { clock, wait } from '../../clock.ts'

/** Leaves the place. */
export type Leave = () => void

export interface Guest {
  /** The name of a guest. Only one guest of a name may be inside or in the line. */
  readonly name?: string
  /** Whether the guest precedes others in the line. */
  readonly isPreferred?: boolean
  /** Whether it gives its place to a guest of the same name, or to the first in the line. */
  gives?(to: Guest): boolean
  /** Its place was given to another guest. */
  lose?(): void
}

/** Limits how many tasks run at a time. More wait in a line with a limit. */
export interface Limiter {
  /**
   * @returns `undefined` if the line is full, the wait was too long, or the name is inside or in the line
   * already
   */
  enter(guest?: Guest): Promise<Leave | undefined>
}

export interface LimiterBounds {
  readonly places: number
  readonly line: number
  /** How long a guest waits for a place, and how long it keeps one (milliseconds). */
  readonly patience: number
  readonly lease: number
}

interface Ticket {
  readonly guest: Guest
  readonly until: number
}

/** A waiting request checks again and again, because another request cannot wake it. */
const LOOK_EVERY = 50

/** A limiter of one isolate. The runtime may end a request at any point, so each ticket ends by time. */
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

/** Takes the place of the first of these tickets that gives it to the guest. */
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

/** Adds a ticket to the line. In a full line, a preferred ticket replaces the last one that is not. */
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
