import { Badge } from '../../../kit/badge.tsx'
import { Facts } from '../../../kit/facts.tsx'
import { Note } from '../../../kit/states.tsx'
import { sizeText } from '../../../results/cell.ts'
import type { ProfileFacts } from '../../../results/profile.ts'
import { payloadName, PROFILE_SENTENCES, remarksOf, scopeText, signerText } from './text.ts'

/** What is in a profile. */
export function ProfileContent({
  facts,
  size,
}: {
  readonly facts: ProfileFacts
  readonly size: number
}) {
  const { identifier, description, organization, signer, payloads, faults } = facts
  return (
    <>
      {description !== '' && <p>{description}</p>}
      <Facts
        of={[
          ['Identifier', <bdi class="mono">{identifier}</bdi>],
          ...(organization === '' ? [] : ([['From', <bdi>{organization}</bdi>]] as const)),
          ['For', scopeText(facts)],
          ['Signed by', <bdi>{signerText(signer)}</bdi>],
          ['Size', sizeText(size)],
        ]}
      />
      {faults.length > 0 && (
        <div class="note bad" role="alert">
          <p>{PROFILE_SENTENCES.faulty}</p>
          <ul>
            {faults.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      )}
      {remarksOf(facts).map((text) => (
        <Note key={text} tone="warn">
          {text}
        </Note>
      ))}
      <h2>Payloads ({payloads.length})</h2>
      <ul class="payloads">
        {payloads.map(({ type, name, secrets }, n) => (
          <li key={n}>
            {payloadName(type)} <bdi>{name}</bdi> <span class="dim mono">{type}</span>{' '}
            {secrets.length > 0 && <Badge tone="warn">Secret</Badge>}
          </li>
        ))}
      </ul>
    </>
  )
}
