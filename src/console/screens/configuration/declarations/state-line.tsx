import type { ComponentChildren } from 'preact'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import type { Json } from '../../../composer/draft.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button, needs } from '../../../kit/button.tsx'
import { Time } from '../../../kit/time.tsx'
import { Tree } from '../../command/tree.tsx'
import { resend } from './deeds.ts'
import { saysMore } from './reasons.ts'
import { type DeclarationState, STATE_WORDS } from './text.ts'

/** A declaration on a device: its state, since when, why, and what one can do. */
export function StateLine({
  state,
  since,
  title,
  action,
  children,
}: {
  readonly state: DeclarationState
  readonly since: string
  readonly title: ComponentChildren
  readonly action: ComponentChildren
  readonly children?: ComponentChildren
}) {
  const [tone, words] = STATE_WORDS[state]
  return (
    <li class="state-line">
      <div class="said">
        <p class="state-head">
          {title} <Badge tone={tone}>{words}</Badge>{' '}
          <span class="dim">
            <Time at={since} />
          </span>
        </p>
        {children}
      </div>
      {action}
    </li>
  )
}

/** Lets a device try a declaration once more. */
export function Resend({
  enrollment,
  id,
  of: name,
}: {
  readonly enrollment: string
  readonly id: string
  /** For a reader of the screen: what is sent again, or to whom. */
  readonly of: string
}) {
  return (
    <Button
      why={needs('command', may('command'))}
      label={`Re-send: ${name}`}
      onClick={() => resend(enrollment, [id])}
    >
      Re-send
    </Button>
  )
}

/** Reasons in the device's own words: code, description, details (Apple: "StatusReason"). */
export function ReasonsSaid({
  of,
  known = null,
}: {
  readonly of: readonly Schema<'DeclarationReason'>[]
  /** A code that stands beside them already. */
  readonly known?: string | null
}) {
  if (of.length === 0) {
    return <p class="dim">It says nothing more.</p>
  }
  return (
    <ul class="reasons">
      {of.map((reason, n) => (
        <li key={n}>
          <q>{reason.description ?? 'no description'}</q>{' '}
          {reason.code !== known && <code>{reason.code}</code>}
          {saysMore(reason) && (
            // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON, as the device reported it
            <Tree value={reason.details as Json} />
          )}
        </li>
      ))}
    </ul>
  )
}
