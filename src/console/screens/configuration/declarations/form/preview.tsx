import { useDeviceNames } from '../../../../api/read-names.ts'
import type { Schema } from '../../../../api/types.ts'
import { Badge } from '../../../../kit/badge.tsx'
import { Button } from '../../../../kit/button.tsx'
import { Section } from '../../../../kit/facts.tsx'
import { Note } from '../../../../kit/states.tsx'
import { EnrollmentLink } from '../enrollment-link.tsx'
import { warningWords } from '../reasons.ts'
import { PREVIEW_STATES } from '../text.ts'
import { previewWords } from './draft.ts'

/** Who would get a declaration: a page of the devices of its sets. Nothing is stored yet. */
export function DeclarationPreview({
  of: { preview, warnings, changed },
  onNext,
}: {
  readonly of: Schema<'StoredDeclaration'>
  readonly onNext: (cursor: string) => Promise<void>
}) {
  const nameOf = useDeviceNames()
  return (
    <Section title="Who gets it">
      {!changed && <Note>It has this content already: storing it changes nothing.</Note>}
      {warnings.length > 0 && (
        <Note tone="warn">
          <ul class="bare">
            {warnings.map((warning) => (
              <li key={warning}>{warningWords(warning)}</li>
            ))}
          </ul>
        </Note>
      )}
      {preview && preview.items.length > 0 && (
        <>
          <p>{previewWords(preview.counts)}</p>
          <ul class="rows">
            {preview.items.map(({ id, state, reason }) => {
              const [tone, words] = PREVIEW_STATES[state]
              return (
                <li key={id}>
                  <EnrollmentLink id={id} nameOf={nameOf} />
                  <Badge tone={tone}>{words}</Badge>
                  {reason !== null && <span class="dim">{reason}</span>}
                </li>
              )
            })}
          </ul>
          {preview.next !== null && (
            <Button tone="quiet" onClick={() => onNext(preview.next ?? '')}>
              Ask the next devices
            </Button>
          )}
        </>
      )}
    </Section>
  )
}
