/**
 * Until when somebody watches the fleet (docs/architecture.md §31), as this isolate knows it. Each call of
 * an object carries it (src/request-id.ts), so objects learn it without a call of their own.
 */
let until = 0

/** Milliseconds; in the past, or 0, while no page watches. */
export function watchedUntil(): number {
  return until
}

/** Takes over what a caller, D1 or a stream of this isolate says. A later time counts. */
export function noteWatched(time: number): void {
  until = Math.max(until, time)
}
