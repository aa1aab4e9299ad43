/** Chance that a seed decides: the same seed makes the same requests. */
export interface Chance {
  /** From 0 up to and without `below`. */
  int(below: number): number
  /** True so often, from 0 to 1. */
  often(share: number): boolean
  pick<T>(from: readonly T[]): T
  bytes(length: number): Uint8Array
}

/** Mulberry32 over the seed and the number of the request, so that each request stands for itself. */
export function chanceOf(seed: number, index: number): Chance {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35)

  function next(): number {
    state = Math.trunc(state + 0x6d2b79f5)
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const int = (below: number): number => Math.floor(next() * below)
  return {
    int,
    often: (share) => next() < share,
    pick: <T>(from: readonly T[]): T => from[int(from.length)] as T,
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
  }
}
