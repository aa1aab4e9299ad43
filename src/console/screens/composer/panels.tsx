import type { TypeDocument } from '../../../command-types/document.ts'
import { curlText, formOf, bodyIn, jsonText } from '../../composer/written.ts'
import { Copy } from '../../kit/copy.tsx'
import { Field } from '../../kit/field.tsx'
import { serverNow } from '../../time/clock.ts'
import type { Times } from './again.ts'
import { bodyOf, draftIn, takeText, type FormState } from './form-state.ts'
import type { ComposerTarget } from './sending.ts'
import { NO_JSON, NOT_IN_FORM, PAST } from './text.ts'

interface PanelProps {
  readonly type: TypeDocument
  readonly form: FormState
}

/** The request as JSON, which can be changed there. The form follows, if it can. */
export function JsonPanel({ type, form }: PanelProps) {
  const text = form.text.value ?? jsonText(bodyOf(type, form).body ?? {})
  const body = bodyIn(text)
  const isShown = draftIn(type, text) !== undefined
  return (
    <>
      <Field
        label="Request"
        value={text}
        lines={14}
        isMono
        fault={body ? undefined : NO_JSON}
        hint={
          form.text.value === undefined || isShown
            ? `Apple’s keys, under Command. Paste JSON, or a call of curl.`
            : formOf(body ?? {}) === 'micromdm'
              ? `MicroMDM’s form. ${NOT_IN_FORM}`
              : NOT_IN_FORM
        }
        onInput={(typed) => {
          takeText(type, form, typed)
        }}
      />
      <Copy text={text} />
    </>
  )
}

/** The same request for a shell. */
export function CurlPanel({
  type,
  form,
  target: { path, wrap = (body) => body },
}: PanelProps & { readonly target: Pick<ComposerTarget, 'path' | 'wrap'> }) {
  const text = curlText(location.origin, { path, body: wrap(bodyOf(type, form).body ?? {}) })
  return (
    <>
      <pre class="raw" tabIndex={0} aria-label="Call of curl">
        {text}
      </pre>
      <Copy text={text} />
      <p class="hint">The shell needs an API key in API_KEY.</p>
    </>
  )
}

/** When the command may go out. */
export function TimesFields({
  times,
  faults,
  onChange,
}: {
  readonly times: Times
  readonly faults: ReadonlyMap<string, string>
  readonly onChange: (times: Times) => void
}) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  return (
    <details class="more" open={times.from !== '' || times.until !== ''}>
      <summary>When: {times.from === '' && times.until === '' ? 'now' : 'later'}</summary>
      <div class="columns">
        <Field
          label="Not before"
          type="datetime-local"
          value={times.from}
          hint={isPast(times.from) ? <span class="warn">{PAST}</span> : zone}
          fault={faults.get('not_before')}
          onInput={(from) => {
            onChange({ ...times, from })
          }}
        />
        <Field
          label="Expires"
          type="datetime-local"
          value={times.until}
          hint={zone}
          fault={faults.get('expires_at')}
          onInput={(until) => {
            onChange({ ...times, until })
          }}
        />
      </div>
    </details>
  )
}

function isPast(time: string): boolean {
  return time !== '' && Date.parse(time) < serverNow()
}
