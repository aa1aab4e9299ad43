import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Session } from '../../api/session.ts'
import { Button } from '../../kit/button.tsx'
import { KEY_NAMES } from '../../place/keyboard.ts'
import { Icon } from './icons.tsx'
import { LiveBadge } from './live-badge.tsx'
import { overlay } from '../overlays.tsx'
import { Person } from '../person.tsx'
import { path } from '../../place/router.ts'
import { NAVIGATION } from '../routes.ts'

const DRAWER = 'navigation'

/** The main screens. On a phone they stand behind a button. */
export function Navigation({ session }: { readonly session: Session }) {
  const isOpen = useSignal(false)
  const current = path.value
  useEffect(() => {
    isOpen.value = false
  }, [current, isOpen])
  return (
    <header
      class="side"
      onKeyDown={(event) => {
        if (event.key === 'Escape') {
          isOpen.value = false
        }
      }}
    >
      <div class="brand">
        <a href="/console">EdgeMDM</a>
        <Button tone="quiet" label="Search" onClick={search}>
          <Icon of="search" />
        </Button>
        <Button
          tone="quiet"
          label="Menu"
          opens={{ id: DRAWER, isOpen: isOpen.value }}
          onClick={() => {
            isOpen.value = !isOpen.value
          }}
        >
          <Icon of="menu" />
        </Button>
      </div>
      <div id={DRAWER} class={`drawer ${isOpen.value ? 'open' : ''}`}>
        <button type="button" class="search" onClick={search}>
          <Icon of="search" />
          Search <kbd>{KEY_NAMES.mod} K</kbd>
        </button>
        <nav aria-label="Main">
          {NAVIGATION.map(({ to, label }) => (
            <a key={to} href={to} {...(isIn(to, current) && { 'aria-current': 'page' as const })}>
              <Icon of={to.slice('/console/'.length)} />
              {label}
            </a>
          ))}
        </nav>
        <LiveBadge />
        <Person session={session} />
      </div>
    </header>
  )
}

function search(): void {
  overlay.value = 'palette'
}

function isIn(to: string, current: string): boolean {
  return to === '/console' ? current === to : current === to || current.startsWith(`${to}/`)
}
