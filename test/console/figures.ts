/** Runs in a page of `npm run bench -- --only console` from its start, and notes what a person waits for. */

/** Chromium tells of no shorter events. */
const SHORTEST_EVENT = 16

const figures = {
  /** Milliseconds from the navigation to the picture with the first rows. */
  firstRows: 0,
  /** Milliseconds of each key, from the press to the next picture, by its interaction. */
  keys: new Map<number, number>(),
  /** Milliseconds of each task above 50. */
  longTasks: new Array<number>(),
}
Object.assign(globalThis, { figures })

new MutationObserver((_, observer) => {
  if (document.querySelector('tr[data-row]')) {
    observer.disconnect()
    // The second frame begins when the first has been drawn.
    requestAnimationFrame(() => {
      requestAnimationFrame(() => {
        figures.firstRows = performance.now()
      })
    })
  }
}).observe(document, { childList: true, subtree: true })

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    figures.longTasks.push(duration)
  }
}).observe({ type: 'longtask' })

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    // `interactionId` is newer than TypeScript's list.
    const { interactionId = 0 } = entry as PerformanceEntry & { readonly interactionId?: number }
    if (interactionId > 0 && entry.name.startsWith('key')) {
      const before = figures.keys.get(interactionId) ?? 0
      figures.keys.set(interactionId, Math.max(before, entry.duration))
    }
  }
}).observe({ type: 'event', durationThreshold: SHORTEST_EVENT } as PerformanceObserverInit)
