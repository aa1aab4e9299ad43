import { useSignal } from '@preact/signals'
import { useId } from 'preact/hooks'
import { profileFacts } from '../../../results/profile.ts'
import { Button } from '../../../kit/button.tsx'
import { DropArea, Field } from '../../../kit/field.tsx'
import { base64Of } from '../../../results/base64.ts'
import { bytesOf } from '../../../results/certificate.ts'
import { sizeText } from '../../../results/cell.ts'
import { FromLibrary } from './from-library.tsx'
import { BIG_FILE, NO_PROFILE, TOO_BIG } from '../text.ts'

const LARGE = 1_000_000
const MOST = 20_000_000

/** Data: a file that is chosen or dropped, or base64 that is pasted. */
export function FileField({
  label,
  hint,
  value,
  fault,
  isNeeded,
  isProfile,
  onChange,
}: {
  readonly label: string
  readonly hint: string | undefined
  /** base64 */
  readonly value: string
  readonly fault: string | undefined
  readonly isNeeded: boolean
  readonly isProfile: boolean
  readonly onChange: (base64: string | undefined) => void
}) {
  const id = useId()
  const name = useSignal('')
  const refused = useSignal<string | undefined>(undefined)
  const take = async (file: File | undefined): Promise<void> => {
    if (!file) {
      return
    }
    refused.value = file.size > MOST ? TOO_BIG : undefined
    if (file.size <= MOST) {
      name.value = file.name
      onChange(base64Of(new Uint8Array(await file.arrayBuffer())))
    }
  }
  return (
    <DropArea onFile={take}>
      <label for={id}>
        {label}
        {isNeeded && <span aria-hidden="true"> *</span>}
      </label>
      <div class="dropzone">
        <input
          id={id}
          type="file"
          aria-invalid={fault !== undefined}
          onChange={(event) => {
            void take(event.currentTarget.files?.[0])
          }}
        />
        {value === '' ? (
          <span class="dim">or drop it here</span>
        ) : (
          <Chosen base64={value} name={name.value} isProfile={isProfile} />
        )}
        {value !== '' && (
          <Button
            tone="quiet"
            label={`Remove ${label}`}
            onClick={() => {
              name.value = ''
              onChange(undefined)
            }}
          >
            Remove
          </Button>
        )}
      </div>
      {isProfile && <FromLibrary isEmpty={value === ''} onChoose={onChange} />}
      <Base64 label={label} value={value} onChange={onChange} />
      <div class="hint">{hint}</div>
      <div class="fault">{refused.value ?? fault}</div>
    </DropArea>
  )
}

function Base64({
  label,
  value,
  onChange,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (base64: string | undefined) => void
}) {
  return (
    <details>
      <summary>As base64</summary>
      <Field
        label={`${label} as base64`}
        value={value}
        isMono
        lines={3}
        onInput={(text) => {
          onChange(text === '' ? undefined : text)
        }}
      />
    </details>
  )
}

/** What is in the file, before it is sent. */
function Chosen({
  base64,
  name,
  isProfile,
}: {
  readonly base64: string
  readonly name: string
  readonly isProfile: boolean
}) {
  const bytes = readable(base64)
  const profile = bytes && profileFacts(bytes)
  const size = bytes?.length ?? 0
  return (
    <span class="chosen">
      <strong>{profile?.name || name || 'Data'}</strong> {sizeText(size)}
      {profile && (
        <span class="dim">
          {profile.identifier}, {profile.signer === undefined ? 'not signed' : 'signed'}
          {profile.payloads.length > 0 && (
            <>: {[...new Set(profile.payloads.map(({ type }) => type))].join(', ')}</>
          )}
        </span>
      )}
      {isProfile && !profile && <span class="warn">{NO_PROFILE}</span>}
      {size > LARGE && <span class="warn">{BIG_FILE}</span>}
    </span>
  )
}

function readable(base64: string): Uint8Array | undefined {
  try {
    return bytesOf(base64)
  } catch {
    return undefined
  }
}
