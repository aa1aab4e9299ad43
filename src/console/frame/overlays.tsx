import { signal } from '@preact/signals'
import { useKeys } from '../place/keyboard.ts'
import { go } from '../place/router.ts'
import { useNotices } from './notices.ts'
import { Palette } from './palette.tsx'
import { NAVIGATION } from './routes.ts'
import { Shortcuts } from './shortcuts.tsx'

/** What lies over the page. */
export const overlay = signal<'palette' | 'shortcuts' | undefined>(undefined)

const SEARCH = { label: 'Search devices, screens and commands', run: () => show('palette') }
const KEYS = {
  'mod+k': SEARCH,
  '/': SEARCH,
  '?': { label: 'Keyboard shortcuts', run: () => show('shortcuts') },
  ...Object.fromEntries(
    NAVIGATION.map(({ key, label, to }) => [`g ${key}`, { label, run: () => go(to) }]),
  ),
}

function show(kind: 'palette' | 'shortcuts'): void {
  overlay.value = kind
}

function close(): void {
  overlay.value = undefined
}

/** The palette, the list of keys and the notices, with the keys that work on every screen. */
export function Overlays({ who }: { readonly who: string }) {
  useKeys(KEYS)
  useNotices(who)
  const { value } = overlay
  return (
    <>
      {value === 'palette' && <Palette onClose={close} />}
      {value === 'shortcuts' && <Shortcuts onClose={close} />}
    </>
  )
}
