/** Faults of declarative management that a simulated device can have. */

/** The usual number of each fault. */
export const DECLARATIVE_FAULTS = {
  /** Answers NotNow to so many commands. */
  'not-now': 3,
  /** Asks for the tokens so many times more. */
  'never-settles': 50,
  /** Leaves out so many status reports. */
  'no-status': Infinity,
  /** Sends so many status reports that are no JSON. */
  'broken-status': Infinity,
  /** Loses so many configurations after it got them. */
  loses: 1,
  /** Keeps so many declarations that the server says are gone. */
  'ignores-404': Infinity,
  /** Waits so many milliseconds before each request. */
  slow: 5000,
} as const

export type DeclarativeFault = keyof typeof DECLARATIVE_FAULTS

/** The faults of a device with their numbers. */
export type ChosenFaults = Readonly<Partial<Record<DeclarativeFault, number>>>

export function isDeclarativeFault(text: string): text is DeclarativeFault {
  return Object.hasOwn(DECLARATIVE_FAULTS, text)
}

/** Counts down: true as many times as the number of the fault says. */
export type TakeFault = (fault: DeclarativeFault) => boolean

export function countFaults(chosen: ChosenFaults): TakeFault {
  const left = new Map(Object.entries(chosen))
  return (fault) => {
    const number = left.get(fault) ?? 0
    left.set(fault, number - 1)
    return number > 0
  }
}
