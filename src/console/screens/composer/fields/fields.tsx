import type { TypeKey } from '../../../../command-types/document.ts'
import { controlOf, isKeys, keysOfKind, type Control, type Path } from '../../../composer/draft.ts'
import { draftAt } from '../../../composer/fill.ts'
import { keyStanding } from '../../../composer/standing.ts'
import { Choice, Field } from '../../../kit/field.tsx'
import { FileField } from './file-field.tsx'
import { Checks, Flag, PinField, Radios } from './inputs.tsx'
import { KeyFault, faultAt, sentence, type FormProps } from './form-parts.tsx'
import { Items } from './items.tsx'
import { PIN_KEPT } from '../text.ts'

interface KeysProps {
  readonly keys: readonly TypeKey[]
  readonly path: Path
  readonly form: FormProps
}

/** Keys whose data is a configuration profile (Apple, “InstallProfileCommand”, “EraseDeviceCommand”). */
const PROFILES: ReadonlySet<string> = new Set(['Payload', 'WiFiProfileData', 'MDMProfileData'])

/** The fields of a dictionary. Keys that this device lacks are folded, unless they are filled in. */
export function Fields({ keys, path, form }: KeysProps) {
  const isShown = (key: TypeKey): boolean =>
    keyStanding(key.availability, form.facts).kind === 'there' ||
    draftAt(form.draft, [...path, key.key]) !== undefined
  const shown = keys.filter(isShown)
  const folded = keys.filter((key) => !isShown(key))
  const [always, rare] = [shown.filter((key) => !isRare(key)), shown.filter(isRare)]
  return (
    <>
      {always.map((key) => (
        <OneField key={key.key} of={key} path={[...path, key.key]} form={form} />
      ))}
      {rare.length > 0 && (
        <details class="more">
          <summary>More</summary>
          {rare.map((key) => (
            <OneField key={key.key} of={key} path={[...path, key.key]} form={form} />
          ))}
        </details>
      )}
      {folded.length > 0 && (
        <details class="more">
          <summary>
            {folded.length} {folded.length === 1 ? 'key' : 'keys'} not for this device
          </summary>
          {folded.map((key) => (
            <OneField key={key.key} of={key} path={[...path, key.key]} form={form} />
          ))}
        </details>
      )}
    </>
  )
}

/** A key of every command that few send. */
function isRare({ key }: TypeKey): boolean {
  return key === 'RequestRequiresNetworkTether'
}

interface FieldProps {
  readonly of: TypeKey
  readonly path: Path
  readonly form: FormProps
}

export function OneField({ of: key, path, form }: FieldProps) {
  const Draw = DRAWN[controlOf(key)]
  return <Draw of={key} path={path} form={form} />
}

const DRAWN: Readonly<Record<Control, (props: FieldProps) => preact.VNode>> = {
  text: TextOf,
  lines: TextOf,
  json: TextOf,
  choice: ChoiceOf,
  flag: ({ of: key, path, form }) => {
    const value = draftAt(form.draft, path)
    return (
      <Flag
        of={key}
        value={typeof value === 'boolean' ? value : undefined}
        onChange={(isOn) => {
          form.put(path, isOn)
        }}
      />
    )
  },
  file: ({ of: key, path, form }) => (
    <FileField
      label={labelOf(key)}
      hint={hintOf(key, form)}
      value={textAt(form, path)}
      fault={faultAt(form, path)}
      isNeeded={key.required ?? false}
      isProfile={PROFILES.has(key.key)}
      onChange={(base64) => {
        form.put(path, base64)
      }}
    />
  ),
  checks: ({ of: key, path, form }) => {
    const chosen = draftAt(form.draft, path)
    return (
      <Checks
        label={labelOf(key)}
        hint={hintOf(key, form)}
        of={(key.item?.values ?? []).map(({ value, availability }) => {
          const standing = keyStanding(availability, form.facts)
          return [String(value), standing.kind === 'lacking' ? standing.why : undefined]
        })}
        chosen={Array.isArray(chosen) ? chosen.map(String) : []}
        fault={faultAt(form, path)}
        onChange={(values) => {
          form.put(path, values)
        }}
      />
    )
  },
  keys: ({ of: key, path, form }) => (
    <fieldset class="key-group">
      <legend>{key.required ? `${key.title} *` : key.title}</legend>
      {key.description !== undefined && <p class="hint">{sentence(key.description)}</p>}
      <KeyFault text={faultAt(form, path)} />
      <Fields keys={key.keys ?? []} path={path} form={form} />
    </fieldset>
  ),
  items: (props) => (
    <Items {...props}>
      {(item, path) => <ItemFields item={item} path={path} form={props.form} />}
    </Items>
  ),
}

function TextOf({ of: key, path, form }: FieldProps) {
  const control = controlOf(key)
  const put = (text: string): void => {
    form.put(path, text === '' ? undefined : text)
  }
  if (key.key === 'PIN') {
    return (
      <PinField
        label={labelOf(key)}
        hint={PIN_KEPT}
        value={textAt(form, path)}
        fault={faultAt(form, path)}
        onInput={put}
      />
    )
  }
  const isNumber = key.type === 'integer' || key.type === 'real'
  return (
    <Field
      label={labelOf(key)}
      hint={hintOf(key, form)}
      value={textAt(form, path)}
      fault={faultAt(form, path)}
      isNeeded={key.required ?? false}
      isMono={control === 'json' || control === 'lines'}
      {...(control === 'json' && { lines: 5 })}
      {...(control === 'lines' && { lines: 3 })}
      type={key.key.endsWith('Password') ? 'password' : key.key.endsWith('URL') ? 'url' : 'text'}
      more={{ autocomplete: 'off', ...(isNumber && { inputMode: 'numeric' as const }) }}
      onInput={put}
    />
  )
}

/** More choices are a list that opens. */
const IN_A_ROW = 4

function ChoiceOf({ of: key, path, form }: FieldProps) {
  const values = (key.values ?? []).map(({ value }) => [String(value), String(value)] as const)
  const choose = (word: string): void => {
    form.put(path, word === '' ? undefined : word)
  }
  return (
    <div>
      {values.length > IN_A_ROW ? (
        <Choice
          label={`${labelOf(key)}${key.required ? ' *' : ''}`}
          of={values}
          none="Not sent"
          value={textAt(form, path)}
          onChoose={choose}
        />
      ) : (
        <Radios
          label={`${labelOf(key)}${key.required ? ' *' : ''}`}
          hint={hintOf(key, form)}
          of={key.required ? values : [['', 'Not sent'], ...values]}
          current={textAt(form, path)}
          onChoose={choose}
        />
      )}
      <KeyFault text={faultAt(form, path)} />
    </div>
  )
}

/** The fields of one item of a list. */
function ItemFields({
  item,
  path,
  form,
}: {
  readonly item: TypeKey
  readonly path: Path
  readonly form: FormProps
}) {
  const draft = draftAt(form.draft, path)
  return item.type === 'dictionary' ? (
    <Fields keys={keysOfKind(item, isKeys(draft) ? draft : undefined)} path={path} form={form} />
  ) : (
    <OneField of={{ ...item, title: 'Value' }} path={path} form={form} />
  )
}

function labelOf({ title }: TypeKey): string {
  return title
}

function textAt(form: FormProps, path: Path): string {
  const value = draftAt(form.draft, path)
  return typeof value === 'string' ? value : ''
}

/** What the key is for, its range, what holds without it, and since when it is there. */
function hintOf(key: TypeKey, { facts }: FormProps): string | undefined {
  const { description, minimum, maximum, default: initial, item, type } = key
  const since = key.availability?.find(({ platform }) => platform === facts.platform)?.since
  const parts = [
    description,
    type === 'array' && item && !item.values && 'one a line',
    minimum !== undefined && `from ${minimum}${maximum === undefined ? '' : ` to ${maximum}`}`,
    initial !== undefined && `${String(initial)} if left out`,
    facts.osVersion === null && since !== undefined && `since ${facts.platform} ${since}`,
  ].filter((part) => typeof part === 'string')
  return sentence(parts.join('; '))
}
