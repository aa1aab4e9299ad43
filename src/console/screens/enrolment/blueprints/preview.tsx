import { useRead } from '../../../api/read.ts'
import type { Schema } from '../../../api/types.ts'
import { Badge } from '../../../kit/badge.tsx'
import { Button } from '../../../kit/button.tsx'
import { Facts, Section } from '../../../kit/facts.tsx'
import { Empty, Shown } from '../../../kit/states.tsx'
import { useTyped } from '../../../place/kept.ts'
import { go, place, withQuery } from '../../../place/router.ts'
import { ByTable } from '../form/by-table.tsx'
import { type FieldOf, isEqualJson, type JsonForm } from '../form/fields.ts'
import { deviceQuery, kindIn, KINDS, RELEASES } from './fields.ts'

const PLATFORMS = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'watchOS', 'visionOS'] as const

const FIELDS: readonly FieldOf[] = [
  { key: 'device', label: 'Serial number, or id of a device', as: 'text', isNeeded: true },
  {
    key: 'platform',
    label: 'Platform',
    as: 'choice',
    none: 'As it is known',
    of: PLATFORMS.map((name) => [name, name]),
  },
  { key: 'os', label: 'OS version', as: 'text', hint: 'in place of the one that is known' },
  { key: 'model', label: 'Model', as: 'text', hint: 'in place of the one that is known' },
  { key: 'param', label: 'Parameter of the link', as: 'text', hint: 'bp=staff' },
  { key: 'desktop', label: 'It is not in Setup Assistant', as: 'flag' },
  { key: 'again', label: 'It has been here before', as: 'flag' },
]

/** What one device would get, and why not the rest. The address has the device. */
export function Preview() {
  const { query } = place.value
  const device = query.get('device') ?? ''
  const inAddress = Object.fromEntries(
    FIELDS.flatMap(({ key, as }) => {
      const word = query.get(key)
      return word === null ? [] : [[key, as === 'flag' ? true : word]]
    }),
  )
  const typed = useTyped<JsonForm | undefined>('what a device would get', undefined)
  const form = typed.value ?? inAddress
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const words = FIELDS.map(({ key }) => [key, textOf(form[key])] as const)
          go(withQuery(Object.fromEntries(words)), { replace: true })
          typed.value = undefined
        }}
      >
        <ByTable
          fields={FIELDS}
          json={form}
          at=""
          faults={[]}
          onChange={(json) => {
            typed.value = isEqualJson(json, inAddress) ? undefined : json
          }}
        />
        <Button type="submit" tone="main">
          Show
        </Button>
      </form>
      {device === '' ? null : <Found query={query} device={device} />}
    </>
  )
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : value === true ? '1' : undefined
}

function Found({ query, device }: { readonly query: URLSearchParams; readonly device: string }) {
  const platform = PLATFORMS.find((name) => name === query.get('platform'))
  const param = query.get('param') ?? ''
  const read = useRead('/api/blueprints/preview', {
    query: {
      ...deviceQuery(device),
      ...(platform && { platform }),
      os_version: query.get('os') ?? '',
      model: query.get('model') ?? '',
      ...(param !== '' && { param: [param] }),
      awaiting: query.get('desktop') === null,
      first: query.get('again') === null,
    },
  })
  return <Shown read={read}>{(preview) => <Result of={preview} />}</Shown>
}

function Result({
  of: { blueprints, steps, ...terms },
}: {
  readonly of: Schema<'BlueprintPreview'>
}) {
  const release = RELEASES.find(([word]) => word === terms.release)?.[1]
  return (
    <div class="preview" role="status">
      {blueprints.length === 0 ? (
        <Empty title="There is no blueprint" />
      ) : (
        <Section title="Blueprints">
          <ul class="rows">
            {blueprints.map(({ id, name, applies, reason }) => (
              <li key={id}>
                <Applies of={applies} />
                <span class="said">
                  <a href={`/console/blueprints/${encodeURIComponent(id)}`}>
                    <bdi>{name}</bdi>
                  </a>{' '}
                  <span class="dim">{reason}</span>
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {terms.time_limit_s !== null && (
        <Facts
          of={[
            ['Time limit', `${terms.time_limit_s} s`],
            ['Release', release ?? '—'],
          ]}
        />
      )}
      {steps.length > 0 && (
        <Section title="Steps">
          <ol class="rows">
            {steps.map(({ kind, subject, applies, reason, blueprint }, n) => (
              <li key={n}>
                <Applies of={applies} />
                <span class="said">
                  {KINDS[kindIn(kind) ?? 'command']} <bdi>{subject}</bdi>{' '}
                  <span class="dim">
                    {[blueprint, reason].filter((text) => text !== null).join(' · ')}
                  </span>
                </span>
              </li>
            ))}
          </ol>
        </Section>
      )}
    </div>
  )
}

function Applies({ of }: { readonly of: boolean }) {
  return <Badge tone={of ? 'good' : 'quiet'}>{of ? 'Gets it' : 'Left out'}</Badge>
}
