import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { isOffline } from '../api/connection.ts'
import { Button } from '../kit/button.tsx'
import { Empty, Loading } from '../kit/states.tsx'
import { look } from './connection.tsx'
import { matchPath, path, type ScreenProps } from '../place/router.ts'
import { ROUTES, type Route } from './routes.ts'
import { useTitle } from '../place/title.ts'

type Loaded =
  | { readonly kind: 'there'; readonly route: Route; readonly screen: ComponentType<ScreenProps> }
  /** Another version of the console was deployed, and its files have other names. */
  | { readonly kind: 'replaced'; readonly route: Route }
  | { readonly kind: 'offline'; readonly route: Route }

/** The screen of the present address. */
export function Screen() {
  const address = path.value
  const found = routeOf(address)
  const loaded = useSignal<Loaded | undefined>(undefined)
  const route = found?.route
  const isOff = isOffline.value
  useTitle(route?.title ?? 'Unknown address')
  useEffect(() => {
    if (!route) {
      return
    }
    void load(route).then((now) => {
      loaded.value = now
    })
  }, [route, loaded, isOff])
  const { value } = loaded
  useFocus(address, !route || value?.route === route)
  if (!found) {
    return (
      <>
        <h1>No screen has this address</h1>
        <p>
          <a href="/console">Go to the overview</a>
        </p>
      </>
    )
  }
  if (!value || value.route !== route) {
    return <Loading />
  }
  if (value.kind === 'there') {
    return <value.screen names={found.names} />
  }
  return (
    <>
      <h1>{route.title}</h1>
      <Empty
        title={
          value.kind === 'offline' ? 'This screen is not loaded yet' : 'A new version was deployed'
        }
      >
        {value.kind === 'offline' ? (
          <p>It comes with the connection.</p>
        ) : (
          <>
            <p>The files of this screen are no longer there. Reload the page to go on.</p>
            <Button
              tone="main"
              onClick={() => {
                location.reload()
              }}
            >
              Reload the page
            </Button>
          </>
        )}
      </Empty>
    </>
  )
}

/** A file that is missing is one of an earlier version, most likely: the page is loaded again, but once. */
async function load(route: Route): Promise<Loaded> {
  try {
    return { kind: 'there', route, screen: await route.load() }
  } catch {
    if (!(await look())) {
      return { kind: 'offline', route }
    }
    if (!wasReloaded()) {
      location.reload()
    }
    return { kind: 'replaced', route }
  }
}

/** The state of an entry of the history outlives a reload. */
function wasReloaded(): boolean {
  const state: unknown = history.state
  const before = typeof state === 'object' && state !== null ? state : {}
  history.replaceState({ ...before, wasReloaded: true }, '')
  return 'wasReloaded' in before
}

/** The focus follows to the heading of the next screen, as a loaded page would move it to its start. */
function useFocus(address: string, isThere: boolean): void {
  const shown = useRef(address)
  useEffect(() => {
    if (!isThere || shown.current === address) {
      return undefined
    }
    shown.current = address
    return focusHeading()
  }, [address, isThere])
}

/** A field that a screen has chosen as its start. A link may be one of the screen before. */
const CHOSEN = 'input:focus, select:focus, textarea:focus'

/** A heading may come with the data, or anew with it: the focus follows until the reader does something. */
function focusHeading(): () => void {
  const main = document.querySelector('main')
  const focus = (): void => {
    const start = main?.querySelector('h1') ?? main
    start?.setAttribute('tabindex', '-1')
    start?.focus({ preventScroll: true })
  }
  const changes = new MutationObserver(() => {
    if (document.activeElement === document.body || document.activeElement === main) {
      focus()
    }
  })
  const end = (): void => {
    changes.disconnect()
  }
  if (!main?.querySelector(CHOSEN)) {
    focus()
  }
  if (main) {
    changes.observe(main, { childList: true, subtree: true })
  }
  addEventListener('keydown', end, { once: true })
  addEventListener('pointerdown', end, { once: true })
  return end
}

/** Loads the files of an address's screen before it is shown. A failure is told when it is to be shown. */
export function loadAhead(address: string): void {
  routeOf(address)
    ?.route.load()
    .catch(() => {})
}

/** A pointer is above a link, or a finger on it, a moment before the click. */
export function followPointer(): void {
  addEventListener('pointerover', ({ target }) => {
    const link = target instanceof Element ? target.closest('a') : null
    if (link?.origin === location.origin) {
      loadAhead(link.pathname)
    }
  })
}

function routeOf(address: string): { route: Route; names: Record<string, string> } | undefined {
  for (const route of ROUTES) {
    const names = matchPath(route.pattern, address)
    if (names) {
      return { route, names }
    }
  }
  return undefined
}
