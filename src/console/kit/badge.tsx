import type { ComponentChildren } from 'preact'

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'busy'

/** A shape for each tone, so that no state is told by colour alone. */
const SHAPES: Readonly<Record<Tone, string>> = {
  good: '✓',
  warn: '!',
  bad: '✕',
  quiet: '○',
  busy: '◔',
}

export function Badge({
  tone,
  children,
}: {
  readonly tone: Tone
  readonly children: ComponentChildren
}) {
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{SHAPES[tone]}</span> {children}
    </span>
  )
}

/** A share of a whole, as a bar with its numbers in words. */
export function Meter({
  value,
  of,
  label,
}: {
  readonly value: number
  readonly of: number
  readonly label: string
}) {
  return (
    <meter min={0} max={Math.max(of, 1)} value={value} aria-label={label} title={label}>
      {label}
    </meter>
  )
}
