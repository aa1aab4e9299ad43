/** What is typed into the form of a declaration: pure. */
import type { Schema } from '../../../../api/types.ts'
import type { Fault } from '../../../../api/fault.ts'
import { isJsonKeys, type Json, type JsonObject, parsed } from '../../../../composer/draft.ts'

const NO_OBJECT = 'This is no JSON object: { … }.'

export interface DeclarationDraft {
  readonly id: string
  readonly type: string
  /** JSON. */
  readonly text: string
  readonly sets: readonly string[]
  /** The content goes out in steps. */
  readonly isStaged: boolean
  /** As typed: `5, 25, 100`. */
  readonly steps: string
  readonly minutes: string
  /** Percent. */
  readonly share: string
  readonly isForced: boolean
}

export const NEW_DRAFT: DeclarationDraft = {
  id: '',
  type: '',
  text: '',
  sets: [],
  isStaged: false,
  steps: '5, 25, 100',
  minutes: '60',
  share: '10',
  isForced: false,
}

/** Names what is typed of a declaration that exists. */
export function declarationTyped(id: string): string {
  return `declaration ${id}`
}

type Body = Schema<'PutDeclarationRequest'>

/** The JSON of a text if it is an object. */
export function objectIn(text: string): JsonObject | undefined {
  const value = parsed(text)
  return isJsonKeys(value) ? value : undefined
}

/**
 * The draft with a text that was typed, pasted or dropped. A whole declaration in Apple's form fills its
 * fields; of one that is stored already only the payload counts.
 */
export function withText(draft: DeclarationDraft, text: string, isNew: boolean): DeclarationDraft {
  const whole = objectIn(text)
  const [type, payload, id] = [whole?.['Type'], whole?.['Payload'], whole?.['Identifier']]
  if (typeof type !== 'string' || !isJsonKeys(payload)) {
    return { ...draft, text }
  }
  return {
    ...draft,
    text: JSON.stringify(payload, null, 2),
    ...(isNew && { type, id: typeof id === 'string' ? id : draft.id }),
  }
}

/** Where a text stops being JSON; `undefined` for JSON. Browsers name the place in words of their own. */
function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const line = /line (\d+)/.exec(String(error))?.[1]
    const place = line === undefined ? '' : `: look at line ${line}`
    return `This is no JSON${place}. A comma too many, or a quote missing?`
  }
}

/** What is sent, or why the text cannot be. */
export function bodyFrom(
  draft: DeclarationDraft,
  isNew: boolean,
): { readonly body: Body } | { readonly fault: string } {
  const text = draft.text.trim() || '{}'
  const payload = objectIn(text)
  if (!payload) {
    return { fault: jsonFault(text) ?? NO_OBJECT }
  }
  return {
    body: {
      type: draft.type.trim(),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its keys have no type
      payload: payload as Body['payload'],
      ...(isNew && { sets: [...draft.sets] }),
      ...(draft.isStaged && {
        rollout: {
          steps: draft.steps.split(/[\s,]+/).flatMap((word) => (word === '' ? [] : [Number(word)])),
          wait_minutes: Number(draft.minutes),
          stop_at_error_share: Number(draft.share) / 100,
        },
      }),
    },
  }
}

/** The places of the form at which faults of the server stand. The rest stands below the form. */
export interface FieldFaults {
  readonly id: string | undefined
  readonly type: string | undefined
  readonly payload: readonly { readonly at: string; readonly detail: string }[]
  readonly steps: string | undefined
  readonly minutes: string | undefined
  readonly share: string | undefined
  /** All that stand at a field. */
  readonly places: readonly string[]
}

export function faultsOf(fault: Fault | undefined): FieldFaults {
  const errors = fault?.errors ?? []
  const at = (place: string): string | undefined =>
    errors.find((error) => error.at === place || error.at.startsWith(`${place}.`))?.detail
  const inPayload = errors.filter((error) => /^json\.payload(\.|$)/.test(error.at))
  const fields = {
    id: at('param.id'),
    type: at('json.type'),
    steps: at('json.rollout.steps'),
    minutes: at('json.rollout.wait_minutes'),
    share: at('json.rollout.stop_at_error_share'),
  }
  const placed = ['param.id', 'json.type', 'json.payload', 'json.rollout']
  return {
    ...fields,
    payload: inPayload.map((error) => ({
      at: error.at.replace(/^json\.payload\.?/, ''),
      detail: error.detail,
    })),
    places: errors
      .filter((error) =>
        placed.some((place) => error.at === place || error.at.startsWith(`${place}.`)),
      )
      .map((error) => error.at),
  }
}

/** Whether the server would store it with `force`. */
export function mayBeForced(fault: Fault | undefined): boolean {
  return fault?.code === 'invalid_declaration' && fault.detail.includes('?force=true')
}

/** Whether the declaration has another version than the form began with. */
export function isConflict(fault: Fault | undefined): boolean {
  return fault?.status === 409 && fault.code === 'conflict'
}

/** Where two payloads differ, as paths such as `Rules.0.Name`. */
export function differences(before: Json, after: Json, path = ''): readonly string[] {
  const [one, other] = [entriesIn(before), entriesIn(after)]
  if (!one || !other || Array.isArray(before) !== Array.isArray(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [path || 'all']
  }
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((key) => {
    const inner = path === '' ? key : `${path}.${key}`
    const [was, is] = [one.get(key), other.get(key)]
    return was === undefined || is === undefined ? [inner] : differences(was, is, inner)
  })
}

function entriesIn(value: Json): ReadonlyMap<string, Json> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined
}

/** Who would get it, of a page of devices and users. */
export function previewWords({
  offered,
  withheld,
  unknown,
}: NonNullable<Schema<'DeclarationPreview'>>['counts']): string {
  const all = offered + withheld + unknown
  if (offered === all) {
    return all === 1 ? 'It would get it.' : `All ${all} of these would get it.`
  }
  const parts = [
    `${offered} of these ${all} would get it`,
    ...(withheld > 0 ? [`${withheld} would not`] : []),
    ...(unknown > 0 ? [`of ${unknown} it is not known`] : []),
  ]
  return `${parts.join(', ')}.`
}
