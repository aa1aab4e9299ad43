import type { ComponentChildren } from 'preact'
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Button } from './button.tsx'
import type { Done, Fault } from '../api/fault.ts'
import { forgetTyped, mayLeave, mayMissAnswer, useSecret } from '../place/kept.ts'
import { Copy } from './copy.tsx'
import { Field } from './field.tsx'
import { FaultNote } from './states.tsx'

/** A modal dialog. Esc and the backdrop close it, unless it is kept. The focus returns to what opened it. */
export function Dialog({
  title,
  onClose,
  isKept = false,
  hasSecret = false,
  children,
}: {
  readonly title: string
  readonly onClose: () => void
  /** What it shows would be lost: only its own buttons close it. */
  readonly isKept?: boolean
  /** A secret was typed into it, which is kept nowhere: it asks before it closes. */
  readonly hasSecret?: boolean
  readonly children: ComponentChildren
}) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const opener = document.activeElement
    element.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement) {
        // It may stick to the edge of the window, far from its place in the page.
        opener.focus({ preventScroll: true })
      }
    }
  }, [])
  useSecret(isKept || hasSecret)
  const leave = (): void => {
    if (!isKept && mayLeave()) {
      onClose()
    }
  }
  return (
    <dialog
      ref={element}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault()
        leave()
      }}
      // A browser lets a page refuse one Esc, and closes at the second all the same.
      onClose={() => {
        element.current?.showModal()
        leave()
      }}
      onClick={(event) => {
        if (event.target === element.current) {
          leave()
        }
      }}
    >
      <div class="inside">
        <h2 id="dialog-title">{title}</h2>
        {children}
      </div>
    </dialog>
  )
}

/** Cancel gives up what was typed into the form of this name. Esc only closes the form. */
export function GiveUp({
  typed,
  label = 'Cancel',
  onClose,
}: {
  readonly typed: string
  readonly label?: string
  readonly onClose: () => void
}) {
  return (
    <Button
      onClick={() => {
        if (mayMissAnswer()) {
          forgetTyped(typed)
          onClose()
        }
      }}
    >
      {label}
    </Button>
  )
}

/** The last question before something is done. What cannot be taken back asks for a word. */
export function AskFirst({
  title,
  deed,
  word,
  hint,
  isLoss = true,
  why,
  typed: form = '',
  children,
  onYes,
  onClose,
}: {
  readonly title: string
  /** The verb and its object, on the button. */
  readonly deed: string
  readonly word?: string
  /** Where the word stands. */
  readonly hint?: string
  readonly isLoss?: boolean
  readonly why?: string | undefined
  /** Names what else is typed into it. */
  readonly typed?: string
  readonly children: ComponentChildren
  readonly onYes: () => Promise<Done>
  readonly onClose: () => void
}) {
  const typed = useSignal('')
  const wrong = useSignal<string | undefined>(undefined)
  const fault = useSignal<Fault | undefined>(undefined)
  const yes = async (): Promise<void> => {
    if (word !== undefined && typed.value.trim().toUpperCase() !== word.toUpperCase()) {
      wrong.value = `Type ${word}`
      return
    }
    const answer = await onYes()
    if (answer.ok) {
      forgetTyped(form)
      onClose()
    } else {
      fault.value = answer.fault
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        {children}
        {word !== undefined && (
          <Field
            label={`Type ${word} to confirm`}
            hint={hint}
            isMono
            value={typed.value}
            fault={wrong.value}
            more={{ autofocus: true, autocomplete: 'off', spellcheck: false }}
            onInput={(text) => {
              typed.value = text
              wrong.value = undefined
            }}
          />
        )}
        {fault.value && <FaultNote fault={fault.value} />}
        <div class="actions">
          <Button type="submit" tone={isLoss ? 'danger' : 'main'} why={why} onClick={yes}>
            {deed}
          </Button>
          <GiveUp typed={form} onClose={onClose} />
        </div>
      </form>
    </Dialog>
  )
}

/** Shows a secret that nothing shows again. It stays until it is copied, or until Done. */
export function SecretDialog({
  title,
  lead,
  secret,
  copy,
  onClose,
}: {
  readonly title: string
  readonly lead: string
  readonly secret: string
  /** The label of the button that copies it. */
  readonly copy: string
  readonly onClose: () => void
}) {
  const isCopied = useSignal(false)
  return (
    <Dialog title={title} onClose={onClose} isKept={!isCopied.value}>
      <p>{lead}</p>
      <pre class="mono">{secret}</pre>
      <div class="actions">
        <Copy
          text={secret}
          label={copy}
          onCopied={() => {
            isCopied.value = true
          }}
        />
        <Button onClick={onClose}>Done</Button>
      </div>
    </Dialog>
  )
}
