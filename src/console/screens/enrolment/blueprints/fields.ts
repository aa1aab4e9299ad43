/** Blueprints as forms: the keys of each kind of step, and of the conditions (docs/blueprints.md): pure. */
import type { Schema } from '../../../api/types.ts'
import type { FieldOf, JsonForm } from '../form/fields.ts'

export type Kind = Schema<'BlueprintStep'>['do']
type Words = readonly (readonly [word: string, label: string])[]

export const KINDS: Readonly<Record<Kind, string>> = {
  profile: 'Install a profile',
  package: 'Install a package',
  app: 'Install an app of the App Store',
  declarations: 'Wait for declarations',
  account: 'Make accounts on a Mac',
  command: 'Send a command',
  hold: 'Wait for an admin',
  release: 'Release from Setup Assistant',
}

export const KIND_FIELD: FieldOf = {
  key: 'do',
  label: 'Step',
  as: 'choice',
  of: Object.entries(KINDS),
}

const PLATFORMS: Words = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'watchOS', 'visionOS'].map((name) => [
  name,
  name,
])

export const RELEASES: Words = [
  ['always', 'Always'],
  ['if_required_ok', 'If each required step succeeded'],
  ['manual', 'When an admin says so'],
]

const REENROLS: Words = [
  ['same', 'Everything again'],
  ['changed', 'Profiles that differ'],
  ['never', 'Nothing'],
]

export const SETTING_FIELDS: readonly FieldOf[] = [
  { key: 'name', label: 'Name', as: 'text', isNeeded: true },
  {
    key: 'priority',
    label: 'Priority',
    as: 'number',
    hint: 'The steps of the greatest come first; 0 if left out',
  },
  {
    key: 'time_limit_s',
    label: 'Time limit in seconds',
    as: 'number',
    hint: '60 to 7200 for all steps; 900 if left out',
  },
  { key: 'release', label: 'The device leaves Setup Assistant', as: 'choice', of: RELEASES },
  { key: 'reenroll', label: 'A device that enrols again gets', as: 'choice', of: REENROLS },
]

const WHEN_FIELDS: readonly FieldOf[] = [
  { key: 'platform', label: 'Platform', as: 'many', of: PLATFORMS },
  { key: 'os', label: 'OS', as: 'text', hint: '>=14, <15, >=14 <15, or 14 for all of 14' },
  { key: 'model', label: 'Model', as: 'list', hint: 'One a line; MacBook*' },
]

export const MATCH_FIELDS_OF_DEVICE: readonly FieldOf[] = [
  ...WHEN_FIELDS,
  { key: 'serial', label: 'Serial number', as: 'list', hint: 'Proven ones only; C02*' },
  { key: 'dep_profile', label: 'Enrolment profile of Apple', as: 'list', hint: 'Its name' },
  { key: 'account', label: 'Account of Apple Business Manager', as: 'list', hint: 'Its name' },
  {
    key: 'enrollment',
    label: 'Enrolled',
    as: 'many',
    of: [
      ['ade', 'by Automated Device Enrollment'],
      ['manual', 'by hand'],
    ],
  },
  {
    key: 'param',
    label: 'Parameters of the link',
    as: 'json',
    hint: '{"bp": "staff"} for …/mdm/enroll?bp=staff. The person with the link chooses them',
  },
]

/** What a step can name: the ids that exist. */
export interface KnownIds {
  readonly profiles: readonly string[]
  readonly users: readonly string[]
}

const INSTALLED: readonly FieldOf[] = [
  {
    key: 'wait',
    label: 'It has ended when',
    as: 'choice',
    none: 'The device has answered',
    of: [['installed', 'The device lists it']],
  },
  { key: 'identifier', label: 'Bundle id', as: 'text', hint: 'What the device lists' },
]

/** The fields of a kind of step. */
export function stepFields(kind: Kind, { profiles, users }: KnownIds): readonly FieldOf[] {
  switch (kind) {
    case 'profile':
      return [{ key: 'id', label: 'Profile', as: 'choice', none: 'Choose', of: same(profiles) }]
    case 'package':
      return [
        { key: 'manifest', label: 'Manifest', as: 'text', hint: 'A URL, or /repo/agent.plist' },
        ...INSTALLED,
      ]
    case 'app':
      return [{ key: 'itunes_store_id', label: 'App Store number', as: 'number' }, ...INSTALLED]
    case 'declarations':
      return [
        { key: 'of', label: 'Identifiers', as: 'list', hint: 'One a line; all if left out' },
        {
          key: 'wait',
          label: 'It has ended when',
          as: 'choice',
          none: 'As the identifiers say',
          of: [
            ['valid', 'They are active and valid'],
            ['ack', 'The device has answered'],
          ],
        },
      ]
    case 'account':
      return [
        { key: 'admin', label: 'Administrator', as: 'choice', none: 'None', of: same(users) },
        { key: 'skip_primary', label: 'No account of the user', as: 'flag' },
        { key: 'regular_user', label: 'The user is no administrator', as: 'flag' },
      ]
    case 'command':
      return [
        {
          key: 'command',
          label: 'Command',
          as: 'json',
          hint: 'Texts may have variables: M-${serial_number}',
        },
      ]
    case 'hold':
    case 'release':
      return []
  }
}

function same(names: readonly string[]): Words {
  return names.map((name) => [name, name])
}

/** Parts of a step that are objects of their own. */
export const PARTS: Readonly<
  Record<'when' | 'primary', { readonly title: string; readonly fields: readonly FieldOf[] }>
> = {
  primary: {
    title: 'Account of the user',
    fields: [
      { key: 'full_name', label: 'Full name begins as', as: 'text' },
      { key: 'user_name', label: 'Account name begins as', as: 'text' },
      { key: 'lock', label: 'The user cannot change them', as: 'flag' },
    ],
  },
  when: { title: 'Only for some devices', fields: WHEN_FIELDS },
}

export const TERM_FIELDS: readonly FieldOf[] = [
  { key: 'required', label: 'Required for the release', as: 'flag' },
  { key: 'timeout_s', label: 'Time in seconds', as: 'number', hint: 'Usually 300' },
]

export function partsOfStep(kind: Kind): readonly (keyof typeof PARTS)[] {
  return kind === 'account' ? ['primary', 'when'] : ['when']
}

/** The kind of a step; what is none is shown as a command, whose fields show the JSON. */
export function stepKindOf(step: JsonForm): Kind {
  return kindIn(step['do']) ?? 'command'
}

/** A word as a kind of step. */
export function kindIn(word: unknown): Kind | undefined {
  return KIND_WORDS.find((kind) => kind === word)
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the record above
const KIND_WORDS = Object.keys(KINDS) as Kind[]

/** The list with one more step, before a release at its end. */
export function withStep(steps: readonly JsonForm[]): readonly JsonForm[] {
  const last = steps.at(-1)
  const end = last && stepKindOf(last) === 'release' ? steps.length - 1 : steps.length
  return steps.toSpliced(end, 0, { do: 'profile' })
}

/** A step of another kind: what all kinds have stays. */
export function withKind(step: JsonForm, kind: Kind): JsonForm {
  const kept = ['required', 'timeout_s', 'when'].filter((key) => key in step)
  const first: JsonForm =
    kind === 'command' ? { command: { request_type: 'DeviceInformation' } } : {}
  return { do: kind, ...first, ...Object.fromEntries(kept.map((key) => [key, step[key]])) }
}

/** What a step is about, for its heading. */
export function aboutStep(step: JsonForm): string {
  const { id, manifest, identifier, itunes_store_id: store, admin, command, of } = step
  const type = isForm(command) ? command['request_type'] : undefined
  const found = [id, identifier, manifest, store, admin, type, of].find((one) => one !== undefined)
  return found === undefined ? '' : wordsOf(found)
}

/** A value of JSON in a line. */
function wordsOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(wordsOf).join(', ')
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** An object of a form's object; an empty one if something else stands there. */
export function formIn(json: JsonForm, key: string): JsonForm {
  const value = json[key]
  return isForm(value) ? value : {}
}

export function stepsIn({ steps }: JsonForm): readonly JsonForm[] {
  return Array.isArray(steps) ? steps.filter(isForm) : []
}

function isForm(value: unknown): value is JsonForm {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The places of a blueprint's fields: faults at other places stand below the form. */
export function placesOf(blueprint: JsonForm): string[] {
  const known = { profiles: [], users: [] }
  const steps = stepsIn(blueprint).flatMap((step, n) => {
    const kind = stepKindOf(step)
    return [...stepFields(kind, known), ...TERM_FIELDS]
      .map(({ key }) => key)
      .concat(partsOfStep(kind).flatMap((part) => partKeys(part)))
      .map((key) => `json.steps.${n}.${key}`)
  })
  return [
    ...SETTING_FIELDS.map(({ key }) => `json.${key}`),
    ...MATCH_FIELDS_OF_DEVICE.map(({ key }) => `json.match.${key}`),
    ...steps,
  ]
}

function partKeys(part: keyof typeof PARTS): string[] {
  return PARTS[part].fields.map(({ key }) => `${part}.${key}`)
}

/** “macOS · >=14 · staff”, in the order of the form. */
export function matchText(match: JsonForm): string {
  const parts = MATCH_FIELDS_OF_DEVICE.map(({ key }) => match[key])
    .filter((value) => value !== undefined)
    .map(wordsOf)
  return parts.length === 0 ? 'All devices' : parts.join(' · ')
}

/** A stored blueprint as it is edited. */
export function editedBlueprint(blueprint: Schema<'Blueprint'>): JsonForm {
  const { id: _id, version: _version, changed_at: _at, ...others } = blueprint
  return others
}

/** A device of the preview: an id of an enrolment has a hyphen, and a serial number has none. */
export function deviceQuery(text: string): { device_id?: string; serial_number?: string } {
  const word = text.trim()
  return word.includes('-') ? { device_id: word } : { serial_number: word.toUpperCase() }
}
