import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** A button that opens a small pane below it. A click or the focus elsewhere closes it, and so does Esc. */
export function PullDown({
  label,
  isOn = false,
  isOfChoices = false,
  children,
}: {
  readonly label: ComponentChildren
  /** Something in the pane is chosen. */
  readonly isOn?: boolean
  /** The first click on a link or a button in it closes it. */
  readonly isOfChoices?: boolean
  readonly children: ComponentChildren
}) {
  const box = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const leave = ({ target }: Event): void => {
      if (box.current?.open && target instanceof Node && !box.current.contains(target)) {
        box.current.open = false
      }
    }
    const escape = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && box.current?.open) {
        event.preventDefault()
        box.current.open = false
        box.current.querySelector('summary')?.focus()
      }
    }
    addEventListener('pointerdown', leave)
    addEventListener('focusin', leave)
    document.addEventListener('keydown', escape, true)
    return () => {
      removeEventListener('pointerdown', leave)
      removeEventListener('focusin', leave)
      document.removeEventListener('keydown', escape, true)
    }
  }, [])
  return (
    <details class="pulldown" ref={box}>
      <summary class={`button ${isOn ? 'on' : ''}`}>{label}</summary>
      <div
        class="pane"
        onClick={({ target }) => {
          const isChoice =
            target instanceof Element && target.closest('a, button:not([aria-disabled="true"])')
          if (isOfChoices && isChoice && box.current) {
            box.current.open = false
          }
        }}
      >
        {children}
      </div>
    </details>
  )
}
