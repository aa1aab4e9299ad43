import { useSignal } from '@preact/signals'
import { useRead } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Shown } from '../../../kit/states.tsx'
import { counted } from '../../../time/words.ts'
import { isInWords, reasonIn } from './reasons.ts'
import { declarationPage } from './text.ts'

const EACH = 15_000
/** A fleet has few reasons; a broken declaration may bring many. */
const FIRST = 8

/** What failed on the fleet, the most frequent first: each reason leads to its devices. */
export function Failures() {
  const read = useRead('/api/declaration-failures', {}, { each: EACH })
  const isAll = useSignal(false)
  return (
    <Shown read={read} lines={2}>
      {({ items }) =>
        items.length > 0 && (
          <Section title={`Failures (${items.length})`}>
            <ul class="findings">
              {items.slice(0, isAll.value ? items.length : FIRST).map((one) => (
                <Failure key={`${one.declaration_id} ${one.code ?? ''}`} of={one} />
              ))}
            </ul>
            {items.length > FIRST && !isAll.value && (
              <Button
                tone="quiet"
                onClick={() => {
                  isAll.value = true
                }}
              >
                Show all {items.length}
              </Button>
            )}
          </Section>
        )
      }
    </Shown>
  )
}

function Failure({
  of: { declaration_id: id, code, count },
}: {
  readonly of: Schema<'DeclarationFailure'>
}) {
  const { words, fix } = reasonIn(code)
  const query = new URLSearchParams({ state: 'failed', ...(code !== null && { code }) })
  const devices = counted(count, 'device')
  return (
    <li class="finding bad">
      <Badge tone="bad">
        <span class="unseen">Failed: </span>
      </Badge>
      <div class="said">
        <p>
          {words}: <a href={declarationPage(id)}>{id}</a>
        </p>
        <p class="dim">
          {isInWords(code) && <code>{code}</code>} {fix}
        </p>
      </div>
      <a class="button" href={declarationPage(id, `?${query.toString()}`)}>
        {devices}
        <span class="unseen"> with {id}</span>
      </a>
    </li>
  )
}
