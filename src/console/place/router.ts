import { computed, signal } from '@preact/signals'
import { mayLeave } from './kept.ts'
import { nextStep, presentStep } from './scroll.ts'

/** Where the page is. The address is the state of a screen: filters, tab and sort stand in its query. */
export interface Place {
  readonly path: string
  readonly query: URLSearchParams
}

/** What a screen gets: the names in its path. */
export interface ScreenProps {
  readonly names: Readonly<Record<string, string>>
}

export const place = signal(here())

/** The number of the entry that is shown. */
let shown = presentStep()

export const path = computed(() => place.value.path)

/** Goes to an address of the console. `replace` leaves no step for Back: a filter while it is typed. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(history.state, '', to)
  } else {
    history.pushState(nextStep(), '', to)
    shown = presentStep()
    scrollTo(0, 0)
  }
  place.value = here()
}

/** The present address with other words in its query. An empty word goes. */
export function withQuery(words: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(place.value.query)
  for (const [name, word] of Object.entries(words)) {
    if (word === undefined || word === '') {
      query.delete(name)
    } else {
      query.set(name, word)
    }
  }
  const text = query.toString()
  return text === '' ? place.value.path : `${place.value.path}?${text}`
}

/** A word of the address if it is one that is known: people edit addresses. */
export function wordIn<Word extends string>(
  given: string | null,
  known: readonly Word[],
  otherwise: Word,
): Word {
  return known.find((word) => word === given) ?? otherwise
}

/** Follows links and Back without loading the page again. Links with a modifier key stay the browser's. */
export function followLinks(): void {
  addEventListener('popstate', () => {
    const step = presentStep()
    if (step !== shown && !mayLeave()) {
      history.go(shown - step)
      return
    }
    shown = step
    place.value = here()
  })
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (
      !link ||
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey ||
      link.target !== '' ||
      link.hasAttribute('download') ||
      link.origin !== location.origin ||
      !isOfConsole(link.pathname)
    ) {
      return
    }
    if (link.pathname === location.pathname && link.hash !== '') {
      return
    }
    event.preventDefault()
    go(link.pathname + link.search)
  })
}

/**
 * The parts of a path that a pattern names: `/console/devices/:id/:tab?` has `id`, and perhaps `tab`.
 *
 * @returns `undefined` if the path has another form
 */
export function matchPath(pattern: string, actual: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = actual.replace(/\/$/, '').split('/')
  if (given.length > wanted.length) {
    return undefined
  }
  const names: Record<string, string> = {}
  for (const [n, part] of wanted.entries()) {
    const text = given[n]
    if (part.startsWith(':')) {
      if (text === undefined || text === '') {
        if (part.endsWith('?')) {
          continue
        }
        return undefined
      }
      names[part.slice(1).replace(/\?$/, '')] = decoded(text)
    } else if (part !== text) {
      return undefined
    }
  }
  return names
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function isOfConsole(pathname: string): boolean {
  return pathname === '/console' || pathname.startsWith('/console/')
}

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) }
}
