import { after } from '../time/clock.ts'

interface Step {
  readonly step?: unknown
}

/** How long a page that comes back may grow. */
const GROWS = 3000
const OF_THE_READER = ['wheel', 'touchmove', 'keydown', 'pointerdown']

/** Where the reader was, by the number of the entry in the history. */
const seen = new Map<number, number>()
let stop = (): void => {}

/** The state of an entry of the history that comes after the present one. */
export function nextStep(): Step {
  const step = presentStep() + 1
  seen.delete(step)
  return { step }
}

/** Goes back to where the reader was after Back. The browser alone tries it before the content is there. */
export function followScroll(): void {
  history.scrollRestoration = 'manual'
  addEventListener(
    'scroll',
    () => {
      seen.set(presentStep(), scrollY)
    },
    { passive: true },
  )
  addEventListener('popstate', () => {
    stop()
    stop = keepAt(seen.get(presentStep()) ?? 0)
  })
}

/** Scrolls there each time that the page grows, until the reader does something. */
function keepAt(top: number): () => void {
  const growth = new ResizeObserver(() => {
    scrollTo(0, top)
  })
  const end = (): void => {
    growth.disconnect()
    for (const name of OF_THE_READER) {
      removeEventListener(name, end)
    }
  }
  for (const name of OF_THE_READER) {
    addEventListener(name, end, { passive: true })
  }
  after(GROWS, end)
  growth.observe(document.body)
  return end
}

/** The number of the present entry in the history. */
export function presentStep(): number {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `nextStep` makes states
  const { step } = (history.state ?? {}) as Step
  return typeof step === 'number' ? step : 0
}
