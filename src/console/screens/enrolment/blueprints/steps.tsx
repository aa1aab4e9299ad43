import { useRead } from '../../../api/read.ts'
import { Button } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Empty } from '../../../kit/states.tsx'
import { ByTable } from '../form/by-table.tsx'
import { type JsonForm, type PlacedFault } from '../form/fields.ts'
import { Ordered } from '../form/ordered.tsx'
import {
  aboutStep,
  KIND_FIELD,
  formIn,
  stepKindOf,
  KINDS,
  type KnownIds,
  PARTS,
  partsOfStep,
  stepFields,
  TERM_FIELDS,
  withKind,
  withStep,
} from './fields.ts'

const MANY = 1000

/** The steps of a blueprint in their order. */
export function BlueprintSteps({
  steps,
  faults,
  onChange,
}: {
  readonly steps: readonly JsonForm[]
  readonly faults: readonly PlacedFault[]
  readonly onChange: (steps: readonly JsonForm[]) => void
}) {
  const profiles = useRead('/api/profiles', { query: { limit: MANY } }).state.value.value
  const users = useRead('/api/setup-users', {}).state.value.value
  const known: KnownIds = {
    profiles: profiles?.items.map(({ id }) => id) ?? [],
    users: users?.items.map(({ id }) => id) ?? [],
  }
  return (
    <Section title="Steps in their order">
      {steps.length === 0 && (
        <Empty title="No step yet">
          <p>
            An order that works: certificates and password policies, packages, other profiles, apps,
            declarations, the account.
          </p>
        </Empty>
      )}
      <Ordered
        items={steps}
        titleOf={(step) => (
          <>
            {KINDS[stepKindOf(step)]} <bdi class="dim">{aboutStep(step)}</bdi>
          </>
        )}
        onChange={onChange}
      >
        {(step, change, n) => (
          <Step
            step={step}
            at={`json.steps.${n}`}
            known={known}
            faults={faults}
            onChange={change}
          />
        )}
      </Ordered>
      <Button
        onClick={() => {
          onChange(withStep(steps))
        }}
      >
        Add step
      </Button>
    </Section>
  )
}

function Step({
  step,
  at,
  known,
  faults,
  onChange,
}: {
  readonly step: JsonForm
  readonly at: string
  readonly known: KnownIds
  readonly faults: readonly PlacedFault[]
  readonly onChange: (step: JsonForm) => void
}) {
  const kind = stepKindOf(step)
  const own = faults.find((one) => one.at === at)?.detail
  const table = { json: step, at, faults, onChange }
  return (
    <>
      {own !== undefined && <p class="bad">{own}</p>}
      <ByTable
        fields={[KIND_FIELD, ...stepFields(kind, known)]}
        {...table}
        onChange={(json) => {
          const chosen = stepKindOf(json)
          onChange(chosen === kind ? json : withKind(step, chosen))
        }}
      />
      {kind !== 'release' && (
        <details>
          <summary>Terms and conditions</summary>
          <ByTable fields={TERM_FIELDS} {...table} />
          {partsOfStep(kind).map((part) => (
            <fieldset class="plain" key={part}>
              <legend>{PARTS[part].title}</legend>
              <ByTable
                fields={PARTS[part].fields}
                json={formIn(step, part)}
                at={`${at}.${part}`}
                faults={faults}
                onChange={(json) => {
                  const { [part]: _before, ...others } = step
                  onChange(Object.keys(json).length === 0 ? others : { ...others, [part]: json })
                }}
              />
            </fieldset>
          ))}
        </details>
      )}
    </>
  )
}
