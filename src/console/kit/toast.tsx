import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Done } from '../api/fault.ts'
import { useRead } from '../api/read.ts'
import { after } from '../time/clock.ts'
import { Button } from './button.tsx'

export interface ToastSaid {
  readonly text: string
  readonly tone?: 'good' | 'bad'
  /** What takes it back, or goes on from it. */
  readonly action?: {
    readonly label: string
    readonly run: () => unknown
    /** The command that it takes back: the button goes when that has ended. */
    readonly command?: string
  }
}

interface Standing extends ToastSaid {
  readonly id: number
}

const GOES_AFTER = 8000
/** The stream tells the end of a command, too. It may be closed. */
const EACH = 2000
const toasts = signal<readonly Standing[]>([])
let count = 0

/** Says what the click did. A failure stays until it is read. */
export function toast(said: ToastSaid): void {
  const id = ++count
  toasts.value = [...toasts.value.slice(-3), { ...said, id }]
  if (said.tone !== 'bad') {
    after(GOES_AFTER, () => {
      dismiss(id)
    })
  }
}

/** Says what failed. @returns whether nothing did */
export function heard<Answer extends Done>(
  answer: Answer,
): answer is Extract<Answer, { readonly ok: true }> {
  if (!answer.ok) {
    toast({ text: answer.fault.detail, tone: 'bad' })
  }
  return answer.ok
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id)
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, tone, action }) => (
        <div class={`toast ${tone ?? ''}`} key={id}>
          <span>{text}</span>
          {action && (
            <WhileOpen command={action.command}>
              <Button
                tone="quiet"
                onClick={() => {
                  dismiss(id)
                  return action.run()
                }}
              >
                {action.label}
              </Button>
            </WhileOpen>
          )}
          <Button
            tone="quiet"
            label="Dismiss"
            onClick={() => {
              dismiss(id)
            }}
          >
            ✕
          </Button>
        </div>
      ))}
    </div>
  )
}

function WhileOpen({
  command,
  children,
}: {
  readonly command: string | undefined
  readonly children: ComponentChildren
}) {
  return command === undefined ? (
    <>{children}</>
  ) : (
    <WhileCommandOpen id={command}>{children}</WhileCommandOpen>
  )
}

function WhileCommandOpen({
  id,
  children,
}: {
  readonly id: string
  readonly children: ComponentChildren
}) {
  const { value } = useRead('/api/commands/{id}', { path: { id } }, { each: EACH }).state.value
  const isEnded = value !== undefined && value.ended_at !== null
  return isEnded ? null : <>{children}</>
}
