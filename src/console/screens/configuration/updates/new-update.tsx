import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { send, type Answer } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Button } from '../../../kit/button.tsx'
import { Dialog, GiveUp } from '../../../kit/dialog.tsx'
import { Field } from '../../../kit/field.tsx'
import { FaultNote, Note } from '../../../kit/states.tsx'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { go, place } from '../../../place/router.ts'
import { after, serverNow } from '../../../time/clock.ts'
import { counted } from '../../../time/words.ts'
import { AT_FIELDS, atFields, type Change, Deadline, detailAt, What, Whom } from './fields.tsx'
import { bodyOfForm, firstForm, isComplete, nameOfForm, type UpdateForm } from './model.ts'
import { previewText, UPDATE_SENTENCES } from './text.ts'

type Preview = Schema<'SoftwareUpdatePreview'>

/** While someone types, the server is not asked at each letter. */
const PAUSE = 150
function close(): void {
  go('/console/updates', { replace: true })
}

/** The devices of the address are those of another form. */
function typedName(): string {
  return `new update ${place.value.query.toString()}`
}

/** Asks devices to have a version by a deadline. The form says how many are meant before it is stored. */
export function NewUpdate({ taken }: { readonly taken: readonly string[] }) {
  return (
    <Dialog title="New update" onClose={close}>
      <NewUpdateForm taken={taken} />
    </Dialog>
  )
}

function NewUpdateForm({ taken }: { readonly taken: readonly string[] }) {
  const first = firstForm(place.value.query, serverNow())
  const form = useTyped(typedName(), first.form)
  const fault = useSignal<Fault | undefined>(undefined)
  const change: Change = (part) => {
    form.value = { ...form.value, ...part }
    fault.value = undefined
  }
  const { value } = form
  const name = value.name || nameOfForm(value, taken)
  const isTaken = taken.includes(name)
  const store = async (): Promise<void> => {
    if (isTaken) {
      return
    }
    const answer = await send('put', '/api/software-updates/{id}', {
      path: { id: name },
      body: bodyOfForm(form.value),
    })
    if (answer.ok) {
      forgetTyped(typedName())
      changed('/api/software-updates')
      go(`/console/updates/${encodeURIComponent(name)}`, { replace: true })
    } else {
      fault.value = answer.fault
    }
  }
  const preview = usePreview(value)
  const shown = fault.value ?? (preview && !preview.ok ? preview.fault : undefined)
  const devices = preview?.ok ? preview.value.progress?.devices : undefined
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
      }}
    >
      {first.ignored.length > 0 && (
        <Note tone="warn">{UPDATE_SENTENCES.notByFilter(first.ignored.join(', '))}</Note>
      )}
      <What form={value} fault={shown} onChange={change} />
      <Deadline form={value} fault={shown} onChange={change} />
      <Whom form={value} onChange={change} />
      <Field
        label="Name"
        value={value.name}
        hint={UPDATE_SENTENCES.name}
        fault={isTaken ? UPDATE_SENTENCES.taken : detailAt(shown, AT_FIELDS.name)}
        more={{ maxLength: 28, spellcheck: false, placeholder: name }}
        onInput={(text) => {
          change({ name: text })
        }}
      />
      <Outlook of={preview} />
      {shown && <FaultNote fault={shown} atFields={atFields(shown)} />}
      <div class="actions">
        <Button type="submit" tone="main" onClick={store}>
          {devices ? `Ask ${counted(devices, 'device')}` : 'Store the update'}
        </Button>
        <GiveUp typed={typedName()} onClose={close} />
      </div>
    </form>
  )
}

/** What the policy would do, asked a moment after the last change. */
function usePreview(form: UpdateForm): Answer<Preview> | undefined {
  const answer = useSignal<Answer<Preview> | undefined>(undefined)
  const words = isComplete(form) ? JSON.stringify(bodyOfForm(form)) : ''
  useEffect(() => {
    if (words === '') {
      answer.value = undefined
      return undefined
    }
    const aborter = new AbortController()
    const ask = async (): Promise<void> => {
      const found = await send('post', '/api/software-updates/preview', {
        body: bodyOfForm(form),
        signal: aborter.signal,
      })
      if (!aborter.signal.aborted) {
        answer.value = found
      }
    }
    const stop = after(PAUSE, () => void ask())
    return () => {
      stop()
      aborter.abort()
    }
  }, [words])
  return answer.value
}

function Outlook({ of: answer }: { readonly of: Answer<Preview> | undefined }) {
  if (!answer?.ok) {
    return null
  }
  const { progress, warnings } = answer.value
  return (
    <div role="status">
      {progress && (
        <Note tone={progress.devices === 0 ? 'warn' : 'quiet'}>{previewText(progress)}</Note>
      )}
      {warnings.length > 0 && <Note tone="warn">{UPDATE_SENTENCES.past}</Note>}
    </div>
  )
}
