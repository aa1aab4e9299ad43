import type { Session } from '../api/session.ts'
import { Button } from '../kit/button.tsx'
import { overlay } from './overlays.tsx'
import { leave } from '../person/leave.ts'
import { ThemeChoice } from '../person/theme.tsx'

/** Who is signed in, with the look of the page and the way out. */
export function Person({ session }: { readonly session: Session }) {
  const { who, key } = session
  return (
    <>
      <button type="button" class="who" popovertarget="person">
        <span class="initial" aria-hidden="true">
          {String.fromCodePoint(who.codePointAt(0) ?? 0).toUpperCase()}
        </span>
        <span>
          {who} <span class="dim">{key.name}</span>
        </span>
      </button>
      <div popover="auto" id="person" class="person">
        <p>
          <strong>{who}</strong>
          <br />
          <span class="dim">
            Key {key.name}, {key.id}
          </span>
        </p>
        <ThemeChoice />
        <Button tone="quiet" onClick={() => (overlay.value = 'shortcuts')}>
          Keyboard shortcuts
        </Button>
        <Button tone="quiet" onClick={() => leave(false)}>
          Sign out
        </Button>
        <Button tone="quiet" onClick={() => leave(true)}>
          Sign out everywhere
        </Button>
        <p class="dim">EdgeMDM {session.version}</p>
      </div>
    </>
  )
}
