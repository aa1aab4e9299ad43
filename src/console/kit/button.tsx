import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { isOffline } from '../api/connection.ts'

interface ButtonProps {
  readonly children: ComponentChildren
  /** A promise keeps the button busy, with its label, until it settles. */
  readonly onClick?: () => unknown
  readonly tone?: 'plain' | 'main' | 'danger' | 'quiet'
  readonly type?: 'button' | 'submit'
  /** Why it cannot be pressed now: it stays visible, and says so. */
  readonly why?: string | undefined
  readonly isBusy?: boolean
  readonly label?: string
  readonly keys?: string
  /** The part of the page that it opens, and whether that is open. */
  readonly opens?: { readonly id: string; readonly isOpen: boolean }
}

/** A button. What is missing for it stands beside it, and in its description. */
export function Button({
  children,
  onClick,
  tone = 'plain',
  type = 'button',
  ...more
}: ButtonProps) {
  const busy = useSignal(false)
  /** A finger has no hover that shows the title: a press shows the reason in the button. */
  const said = useSignal<string | undefined>(undefined)
  const isBusy = busy.value || more.isBusy === true
  const press = async (): Promise<void> => {
    if (isBusy || more.why !== undefined || !onClick) {
      return
    }
    busy.value = true
    try {
      await onClick()
    } finally {
      busy.value = false
    }
  }
  return (
    <button
      type={type}
      class={`button ${tone}`}
      aria-disabled={more.why !== undefined}
      aria-busy={isBusy}
      title={more.why}
      {...(more.label !== undefined && { 'aria-label': more.label })}
      {...(more.keys !== undefined && { 'aria-keyshortcuts': ariaKeys(more.keys) })}
      {...(more.opens && { 'aria-controls': more.opens.id, 'aria-expanded': more.opens.isOpen })}
      onClick={(event) => {
        if (isBusy || more.why !== undefined) {
          event.preventDefault()
          said.value = more.why
        }
        // The browser says at the field what is missing there.
        const { form } = event.currentTarget
        if (type !== 'submit' || form?.noValidate !== false || form.checkValidity()) {
          void press()
        }
      }}
    >
      {children}
      {more.keys !== undefined && <kbd>{more.keys}</kbd>}
      {more.why !== undefined && (
        <span class={said.value === more.why ? 'why' : 'unseen'}> ({more.why})</span>
      )}
    </button>
  )
}

/** `Ctrl Enter` in the names of WAI-ARIA ("aria-keyshortcuts"). */
function ariaKeys(keys: string): string {
  return keys.replace('Ctrl ', 'Control+').replace('⌘ ', 'Meta+')
}

/** Why a button of a scope cannot be pressed now; `undefined` if it can. */
export function needs(scope: string, has: boolean): string | undefined {
  if (isOffline.value) {
    return 'No connection'
  }
  return has ? undefined : `Your key lacks the scope ${scope}`
}
