import type { ComponentChildren } from 'preact'
import type { TypeKey } from '../../../../command-types/document.ts'
import { isKeys, type Draft, type Path } from '../../../composer/draft.ts'
import { draftAt } from '../../../composer/fill.ts'
import { keyStanding } from '../../../composer/standing.ts'
import { Button } from '../../../kit/button.tsx'
import { Choice } from '../../../kit/field.tsx'
import { KeyFault, faultAt, sentence, type FormProps } from './form-parts.tsx'

/** A list of dictionaries or of data: each can be added and removed. */
export function Items({
  of: key,
  path,
  form,
  children,
}: {
  readonly of: TypeKey
  readonly path: Path
  readonly form: FormProps
  /** Draws one item. */
  readonly children: (item: TypeKey, path: Path) => ComponentChildren
}) {
  const { item, title, required, description } = key
  const list = draftAt(form.draft, path)
  const drafts: readonly Draft[] = Array.isArray(list) ? list : []
  const add = (draft: Draft): void => {
    form.put([...path, drafts.length], draft)
  }
  return (
    <fieldset class="key-group">
      <legend>{required ? `${title} *` : title}</legend>
      {description !== undefined && <p class="hint">{sentence(description)}</p>}
      <KeyFault text={faultAt(form, path)} />
      {item &&
        drafts.map((draft, n) => (
          <fieldset class="key-group" key={n}>
            <legend>{nameOf(item, draft, n)}</legend>
            <KeyFault text={faultAt(form, [...path, n]) ?? faultAt(form, [...path, n, 'Item'])} />
            {children(item, [...path, n])}
            <Button
              tone="quiet"
              label={`Remove ${nameOf(item, draft, n)}`}
              onClick={() => {
                form.put([...path, n], undefined)
              }}
            >
              Remove
            </Button>
          </fieldset>
        ))}
      {item?.kinds ? (
        <Choice
          label="Add"
          value=""
          none="Choose what to set…"
          of={item.kinds
            .filter(({ availability }) => keyStanding(availability, form.facts).kind === 'there')
            .map(({ item: name, title: words }) => [name, words])}
          onChoose={(name) => {
            add({ Item: name })
          }}
        />
      ) : (
        <Button
          onClick={() => {
            add(item?.type === 'dictionary' ? {} : '')
          }}
        >
          Add
        </Button>
      )}
    </fieldset>
  )
}

function nameOf(item: TypeKey, draft: Draft, n: number): string {
  const kind = isKeys(draft) ? draft['Item'] : undefined
  return item.kinds?.find((one) => one.item === kind)?.title ?? `No. ${n + 1}`
}
