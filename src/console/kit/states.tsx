import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { type Fault, LACKING } from '../api/fault.ts'
import type { Read } from '../api/read.ts'
import { after } from '../time/clock.ts'
import { clockTime } from '../time/words.ts'
import { Button } from './button.tsx'

/** A shorter wait shows nothing: a flash of grey is worse than a moment of white. */
const PATIENCE = 200

/** Lines of grey in the place of what is coming. */
export function Loading({ lines = 4 }: { readonly lines?: number }) {
  const isShown = useSignal(false)
  useEffect(
    () =>
      after(PATIENCE, () => {
        isShown.value = true
      }),
    [isShown],
  )
  return (
    <div class="loading" role="status" aria-label="Loading">
      {isShown.value && Array.from({ length: lines }, (_, n) => <div class="bone" key={n} />)}
    </div>
  )
}

/** What failed, in the server's words, and the way to try again. */
export function FaultNote({
  fault,
  atFields = [],
  again,
}: {
  readonly fault: Fault
  /** The places whose faults stand at their fields, such as `json.url`. */
  readonly atFields?: readonly string[]
  readonly again?: () => void
}) {
  const { errors } = fault
  const others = errors.filter(({ at }) => !atFields.includes(at))
  if (errors.length > 0 && others.length === 0) {
    return null
  }
  // The detail is the list in one line.
  const isListed = errors.length > 0 && errors.every(({ detail }) => fault.detail.includes(detail))
  return (
    <div class="note bad" role="alert">
      {!isListed && <p>{fault.detail}</p>}
      {others.length > 0 && (
        <ul class={isListed && others.length === 1 ? 'bare' : ''}>
          {others.map(({ at, detail }) => (
            <li key={at + detail}>
              {at !== '' && <code>{at.replace(/^(json|query)\./, '')}</code>} {detail}
            </li>
          ))}
        </ul>
      )}
      {again && fault.code !== LACKING && <Button onClick={again}>Try again</Button>}
    </div>
  )
}

/** Nothing is there, why, and the next step. */
export function Empty({
  title,
  children,
}: {
  readonly title: string
  readonly children?: ComponentChildren
}) {
  return (
    <div class="empty">
      <p class="title">{title}</p>
      {children}
    </div>
  )
}

/** Remarks beside what they concern. */
export function Note({
  tone = 'quiet',
  children,
}: {
  readonly tone?: 'quiet' | 'warn' | 'bad' | 'good'
  readonly children: ComponentChildren
}) {
  return <div class={`note ${tone}`}>{children}</div>
}

/**
 * Shows a reading in each of its states: coming, there, old beside a fault, failed. Old data stays on the
 * screen while new data comes.
 */
export function Shown<Value>({
  read,
  children,
  lines,
}: {
  readonly read: Read<Value>
  readonly children: (value: Value) => ComponentChildren
  readonly lines?: number
}) {
  const { value, fault, at, isBusy } = read.state.value
  if (value === undefined) {
    return fault ? (
      <FaultNote fault={fault} again={read.again} />
    ) : (
      <Loading {...(lines && { lines })} />
    )
  }
  return (
    <>
      {/* Without a connection the bar of the frame says it once. */}
      {fault && fault.kind !== 'offline' && (
        <div class="note warn" role="status">
          <p>
            Shown as of {clockTime(at ?? 0)}. {fault.detail}
          </p>
          <Button onClick={read.again}>Try again</Button>
        </div>
      )}
      <div aria-busy={isBusy}>{children(value)}</div>
    </>
  )
}
