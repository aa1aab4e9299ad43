import type { ComponentChildren } from 'preact'
import type { Schema } from '../../api/types.ts'
import { Badge } from '../../kit/badge.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Time } from '../../kit/time.tsx'
import { commandToPaste, LEVELS, partsOf, asSentence } from './text.ts'

/** One thing that is wrong, and what to do. */
export function FindingLine({
  of: { level, text, fix, since },
  action,
}: {
  readonly of: Omit<Schema<'HealthFinding'>, 'webhook_id'>
  readonly action?: ComponentChildren
}) {
  const [tone, word] = LEVELS[level]
  const command = commandToPaste(fix)
  return (
    <li class={`finding ${tone}`}>
      <Badge tone={tone}>
        <span class="unseen">{word}: </span>
      </Badge>
      <div class="said">
        <p>
          <Words text={text} />
        </p>
        <p class="dim">
          <Words text={fix} />
          {command !== undefined && <Copy text={command} label="Copy command" />}
          {since !== null && (
            <span>
              {' '}
              Began <Time at={since} />.
            </span>
          )}
        </p>
      </div>
      {action}
    </li>
  )
}

/** A text of the server, with its commands set as such. */
export function Words({ text }: { readonly text: string }) {
  return (
    <>
      {partsOf(asSentence(text)).map((part) =>
        part.isCode ? <code key={part.text}>{part.text}</code> : part.text,
      )}
    </>
  )
}
