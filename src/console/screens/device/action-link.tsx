import type { ComponentChildren } from 'preact'
import { may, type Scope } from '../../api/session.ts'
import { Button, needs } from '../../kit/button.tsx'

/** A link that looks like a button; without the scope a button that says what is missing. */
export function ActionLink({
  to,
  keys,
  scope,
  children,
  ...look
}: {
  readonly to: string
  readonly keys?: string
  readonly scope: Scope
  readonly isWide?: boolean
  readonly isNarrow?: boolean
  readonly isDanger?: boolean
  readonly children: ComponentChildren
}) {
  const width = look.isWide ? 'wide-only' : look.isNarrow ? 'narrow-only' : ''
  const why = needs(scope, may(scope))
  return (
    <span class={width}>
      {why === undefined ? (
        <a
          class={`button ${look.isDanger ? 'bad' : ''}`}
          href={to}
          {...(keys && { 'aria-keyshortcuts': keys })}
        >
          {children}
          {keys && <kbd>{keys}</kbd>}
        </a>
      ) : (
        <Button why={why}>{children}</Button>
      )}
    </span>
  )
}
