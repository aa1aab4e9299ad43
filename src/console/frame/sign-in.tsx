import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Fault } from '../api/fault.ts'
import { accessState, type Session, signIn, signInByAccess } from '../api/session.ts'
import { Button } from '../kit/button.tsx'
import { Field } from '../kit/field.tsx'
import { FaultNote } from '../kit/states.tsx'

/**
 * Asks for an API key, or for the person of Cloudflare Access. Over an open page it stands as a dialog, and
 * what was typed there stays for the same person.
 */
export function SignIn({ was }: { readonly was: Session | undefined }) {
  const key = useSignal('')
  const who = useSignal(was?.who ?? '')
  const fault = useSignal<Fault | undefined>(accessState.value?.fault)
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  const proceed = async (signing: Promise<Fault | undefined>): Promise<void> => {
    fault.value = await signing
  }
  return (
    <dialog
      ref={dialog}
      class="sign-in"
      aria-labelledby="sign-in-title"
      onCancel={(event) => {
        event.preventDefault()
      }}
      // A browser lets a page refuse one Esc, and closes at the second all the same.
      onClose={() => {
        dialog.current?.showModal()
      }}
    >
      <form
        class="inside"
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        <h1 id="sign-in-title">{was === undefined ? 'EdgeMDM' : 'Your session has ended'}</h1>
        <p>
          {was === undefined
            ? 'Sign in with an API key. What you may do here is what the key may do.'
            : 'Sign in again, and the page goes on. Under another name or key, what was typed is lost.'}
        </p>
        {fault.value && <FaultNote fault={fault.value} />}
        {accessState.value && (
          <>
            <Button tone="main" onClick={() => proceed(signInByAccess())}>
              Sign in with Cloudflare Access
            </Button>
            <p class="dim">Or with an API key:</p>
          </>
        )}
        <Field
          label="Your name"
          value={who.value}
          isNeeded
          hint="Shown beside what you do, as several people may use one key."
          more={{ autocomplete: 'name', maxLength: 100 }}
          onInput={(text) => {
            who.value = text
          }}
        />
        <Field
          label="API key"
          type="password"
          value={key.value}
          isNeeded
          more={{
            autofocus: who.value !== '',
            autocomplete: 'current-password',
            spellcheck: false,
          }}
          onInput={(text) => {
            key.value = text
          }}
        />
        <Button
          type="submit"
          tone={accessState.value ? 'plain' : 'main'}
          onClick={() => proceed(signIn(key.value.trim(), who.value.trim()))}
        >
          Sign in
        </Button>
      </form>
    </dialog>
  )
}
