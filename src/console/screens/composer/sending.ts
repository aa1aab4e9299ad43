import { useSignal, type Signal } from '@preact/signals'
import type { TypeDocument } from '../../../command-types/document.ts'
import { send, type Answer } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { changed } from '../../api/read.ts'
import { isJsonKeys, type JsonObject, type Path } from '../../composer/draft.ts'
import type { DeviceFacts } from '../../composer/facts.ts'
import type { KeptSecrets } from '../../composer/warnings.ts'
import { holdsWifi } from '../../results/profile.ts'
import { bodyOf, type FormState } from './form-state.ts'
import { noteType } from './recent-types.ts'
import { NO_WIFI } from './text.ts'

/** Faults that say themselves that `force` sends the command all the same. */
const FORCEABLE: ReadonlySet<string> = new Set([
  'invalid_command',
  'unsupported_by_os',
  'profile_declared',
])

export function mayForce({ code }: Fault): boolean {
  return FORCEABLE.has(code)
}

/** One key for one body: a repeated click, or a second try after a lost answer, queues nothing twice. */
export function keyFor(form: FormState, body: string): string {
  if (form.last?.body !== body) {
    form.last = { body, key: crypto.randomUUID() }
  }
  return form.last.key
}

/** Queues the command. @returns its id */
export async function sendToOne(
  form: FormState,
  { id, body, force }: { readonly id: string; readonly body: JsonObject; readonly force: boolean },
): Promise<Answer<{ readonly id: string }>> {
  const answer = await send('post', '/api/devices/{id}/commands', {
    path: { id },
    query: { ...(force && { force: true }) },
    body,
    headers: { 'idempotency-key': keyFor(form, JSON.stringify([id, body, force])) },
  })
  if (answer.ok) {
    changed(`/api/devices/${encodeURIComponent(id)}`)
  }
  return answer
}

/** The server's faults by the place in the form: `Command.Updates.0.ProductKey` is `Updates.0.ProductKey`. */
function faultsByPlace({ errors }: Fault): ReadonlyMap<string, string> {
  return new Map(
    errors.map(({ at, detail }) => [at.replace(/^(?:json\.)?(?:command\.)?Command\./, ''), detail]),
  )
}

/** To whom a form sends, and what is asked before. */
export interface ComposerTarget {
  readonly facts: DeviceFacts
  readonly kept: KeptSecrets
  readonly deed: string
  readonly name: string
  readonly word: string
  readonly what: string
  /** Said once more in the question before it is sent. */
  readonly remarks?: readonly string[]
  /** What the users of so many devices lose, so that it is asked about although the command loses nothing. */
  readonly disrupts?: string | undefined
  /** Of the API, for the call of curl. */
  readonly path: string
  /** The body of the API around the command, where it has more. */
  readonly wrap?: (body: JsonObject) => JsonObject
  readonly send: (body: JsonObject, force: boolean) => Promise<Answer<{ readonly id: string }>>
}

export function isAskedFirst({ destructive }: TypeDocument, { disrupts }: ComposerTarget): boolean {
  return destructive || disrupts !== undefined
}

/** What is said only when an erasure is asked about: the file may come after the other keys. */
export function wifiWarnings(type: TypeDocument, form: FormState): readonly string[] {
  const command = bodyOf(type, form).body?.['Command']
  const service = isJsonKeys(command) ? command['ReturnToService'] : undefined
  const file =
    isJsonKeys(service) && service['Enabled'] === true ? service['WiFiProfileData'] : undefined
  return typeof file === 'string' && !holdsWifi(file) ? [NO_WIFI] : []
}

interface Sending {
  readonly fault: Signal<Fault | undefined>
  /** By place. */
  readonly faults: Signal<ReadonlyMap<string, string>>
  readonly isAsking: Signal<boolean>
  /** What is changed is no longer faulty: the next check says whether it is right. */
  readonly forgetFault: (path: Path) => void
  /** Checks the form; a destructive command is asked about before it is sent. */
  readonly begin: () => Promise<void>
  readonly send: (force?: boolean) => Promise<void>
}

/** What the button of a form does. */
export function useSending(type: TypeDocument, form: FormState, target: ComposerTarget): Sending {
  const fault = useSignal<Fault | undefined>(undefined)
  const faults = useSignal<ReadonlyMap<string, string>>(new Map())
  const isAsking = useSignal(false)
  const show = (found: ReadonlyMap<string, string>): void => {
    faults.value = found
    if (found.size > 0) {
      requestAnimationFrame(() => {
        document.querySelector<HTMLElement>('.composer [aria-invalid="true"]')?.focus()
      })
    }
  }
  const sendNow = async (force = false): Promise<void> => {
    const { body } = bodyOf(type, form)
    const answer = body && (await target.send(body, force))
    isAsking.value = false
    if (answer?.ok) {
      noteType(type.request_type)
    } else if (answer) {
      fault.value = answer.fault
      show(faultsByPlace(answer.fault))
    }
  }
  const begin = async (): Promise<void> => {
    const { body, faults: found } = bodyOf(type, form)
    fault.value = undefined
    show(new Map(found.map(({ path, detail }) => [path.join('.'), detail])))
    if (!body || found.length > 0) {
      return
    }
    if (isAskedFirst(type, target)) {
      isAsking.value = true
    } else {
      await sendNow()
    }
  }
  const forgetFault = (path: Path): void => {
    const [first] = path
    // The fault of several keys of which one is needed stands at the first of them.
    const isOneOf = type.one_of.some((key) => key === first)
    const over = new Set([path.join('.'), ...(isOneOf ? type.one_of.slice(0, 1) : [])])
    faults.value = new Map([...faults.value].filter(([at]) => !over.has(at)))
  }
  return { fault, faults, isAsking, forgetFault, begin, send: sendNow }
}
