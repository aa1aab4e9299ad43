/** The faults of steps, each with its place. */
import { VARIABLES, variablesOf } from '../ddm/payload/variables.ts'
import type { BlueprintMatch, BlueprintStep } from './blueprint.ts'
import { commandOfStep } from './command.ts'
import { requestTypeOf } from './steps.ts'

export type StepKind = BlueprintStep['do']

export interface BlueprintFault {
  /** Such as `steps.3.id`. */
  readonly at: string
  readonly detail: string
}

/** Of the names that a blueprint has, those that exist. */
export interface KnownNames {
  readonly profiles: ReadonlySet<string>
  readonly users: ReadonlySet<string>
}

export const STEP_TIMEOUT_S = { least: 10, most: 7200 } as const
const MAX_TEXT = 1000

/** The variables that steps can have: a device has no user when it is set up. */
export const SETUP_VARIABLES: readonly string[] = Object.keys(VARIABLES).filter(
  (name) => !name.startsWith('user_'),
)

/** `>=14`, `<15`, `14` for all of 14, or several with a blank between them. */
const OS_RANGE = /^((>=|<)?\d{1,4}(\.\d{1,4}){0,3}( |$))+$/

/** What has steps of its own, or never ends, or may be read by anyone who may read blueprints. */
const NO_COMMANDS: Readonly<Record<string, string>> = {
  DeviceConfigured: 'is what the server sends at the end: leave it out',
  InstallProfile: 'has a step of its own: {"do": "profile"}',
  AccountConfiguration: 'has a step of its own: {"do": "account"}',
  DeclarativeManagement: 'has a step of its own: {"do": "declarations"}',
  EraseDevice: 'would begin the setup again and again',
}

const TERMS = ['do', 'required', 'timeout_s', 'when']

/** The keys of each kind of step beside those of all steps. */
const STEP_KEYS: Readonly<
  Record<StepKind, { needs: readonly string[]; takes: readonly string[] }>
> = {
  profile: { needs: ['id'], takes: [] },
  package: { needs: ['manifest'], takes: ['identifier', 'wait'] },
  app: { needs: ['itunes_store_id'], takes: ['identifier', 'wait'] },
  declarations: { needs: [], takes: ['wait', 'of'] },
  account: { needs: [], takes: ['admin', 'skip_primary', 'regular_user', 'primary'] },
  command: { needs: ['command'], takes: [] },
  hold: { needs: [], takes: [] },
  release: { needs: [], takes: [] },
}

/** Whether a step has the keys of its kind. */
export function isShaped(step: { readonly do: StepKind }): step is BlueprintStep {
  return keyFaults(step, '').length === 0
}

export function keyFaults(step: { readonly do: StepKind }, at: string): BlueprintFault[] {
  const { needs, takes } = STEP_KEYS[step.do]
  const keys = [...TERMS, ...needs, ...takes]
  return [
    ...needs
      .filter((key) => !Object.hasOwn(step, key))
      .map((key) => ({ at: `${at}.${key}`, detail: 'is missing' })),
    ...Object.keys(step)
      .filter((key) => !keys.includes(key))
      .map((key) => ({
        at: `${at}.${key}`,
        detail: `a step ${step.do} has no such key; it has ${keys.join(', ')}`,
      })),
  ]
}

export function rangeFaults(
  at: string,
  value: number | undefined,
  { least, most }: { readonly least: number; readonly most: number },
): BlueprintFault[] {
  return value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)
    ? []
    : [{ at, detail: `has to be a whole number of seconds from ${least} to ${most}` }]
}

export function textFaults(at: string, text: string | undefined): BlueprintFault[] {
  return text === undefined || (text !== '' && text.length <= MAX_TEXT)
    ? []
    : [{ at, detail: `has to have 1 to ${MAX_TEXT} characters` }]
}

export function matchFaults(at: string, match: BlueprintMatch): BlueprintFault[] {
  const { os, ...lists } = match
  return [
    ...(os === undefined || OS_RANGE.test(os)
      ? []
      : [{ at: `${at}.os`, detail: 'has to be a range, such as >=14, <15, 14.2 or >=14 <15' }]),
    ...Object.entries(lists).flatMap(([part, list]) =>
      Object.keys(list).length === 0
        ? [{ at: `${at}.${part}`, detail: 'is empty, so no device has it: leave it out' }]
        : Object.entries<string>(list).flatMap(([key, text]) =>
            textFaults(`${at}.${part}.${key}`, text),
          ),
    ),
  ]
}

export function stepFaults(step: BlueprintStep, at: string, known: KnownNames): BlueprintFault[] {
  return [
    ...rangeFaults(`${at}.timeout_s`, step.timeout_s, STEP_TIMEOUT_S),
    ...matchFaults(`${at}.when`, step.when ?? {}),
    ...ownFaults(step, at, known),
  ]
}

function ownFaults(step: BlueprintStep, at: string, known: KnownNames): BlueprintFault[] {
  switch (step.do) {
    case 'profile':
      return known.profiles.has(step.id)
        ? []
        : [{ at: `${at}.id`, detail: `no profile is stored under the id ${step.id}` }]
    case 'package':
      return [...manifestFaults(`${at}.manifest`, step.manifest), ...installFaults(step, at)]
    case 'app':
      return [
        ...(Number.isSafeInteger(step.itunes_store_id) && step.itunes_store_id > 0
          ? []
          : [{ at: `${at}.itunes_store_id`, detail: 'has to be a whole number above 0' }]),
        ...installFaults(step, at),
      ]
    case 'declarations':
      return [
        ...waitFaults(step.wait, ['ack', 'valid'], at),
        ...(step.of ?? []).flatMap((text, n) => textFaults(`${at}.of.${n}`, text)),
      ]
    case 'account':
      return accountFaults(step, at, known)
    case 'command':
      return commandFaults(step.command, `${at}.command`)
    default:
      return []
  }
}

function manifestFaults(at: string, manifest: string): BlueprintFault[] {
  const isAddress = manifest.startsWith('/')
    ? manifest.startsWith('/repo/')
    : URL.canParse(manifest) && /^https?:$/.test(new URL(manifest).protocol)
  return isAddress && manifest.length <= MAX_TEXT
    ? []
    : [
        {
          at,
          detail:
            `${manifest.slice(0, 200)} is neither the URL of a manifest, nor the path of one in the ` +
            'repository, such as /repo/bootstrap.plist',
        },
      ]
}

function installFaults(
  { wait, identifier }: Extract<BlueprintStep, { do: 'package' | 'app' }>,
  at: string,
): BlueprintFault[] {
  return [
    ...waitFaults(wait, ['ack', 'installed'], at),
    ...textFaults(`${at}.identifier`, identifier),
    ...(wait === 'installed' && identifier === undefined
      ? [{ at: `${at}.identifier`, detail: 'is missing: `installed` looks for this bundle id' }]
      : []),
  ]
}

/** The words of all steps come as one type. */
function waitFaults(
  wait: string | undefined,
  words: readonly string[],
  at: string,
): BlueprintFault[] {
  return wait === undefined || words.includes(wait)
    ? []
    : [{ at: `${at}.wait`, detail: `${wait} is not one of: ${words.join(', ')}` }]
}

function accountFaults(
  step: Extract<BlueprintStep, { do: 'account' }>,
  at: string,
  { users }: KnownNames,
): BlueprintFault[] {
  const { admin, skip_primary: skip, regular_user: regular, primary = {} } = step
  const faults: BlueprintFault[] =
    admin === undefined || users.has(admin)
      ? []
      : [{ at: `${at}.admin`, detail: `no setup user has the id ${admin}` }]
  for (const [name, given] of Object.entries({ skip_primary: skip, regular_user: regular })) {
    if (given && admin === undefined) {
      const detail = 'needs `admin`: without it the Mac would have no administrator'
      faults.push({ at: `${at}.${name}`, detail })
    }
  }
  if (admin === undefined && Object.keys(primary).length === 0) {
    faults.push({ at, detail: 'makes nothing: name an `admin`, or say something of `primary`' })
  }
  if (primary.lock && (primary.full_name ?? primary.user_name) === undefined) {
    const detail = 'needs `full_name` or `user_name`: the user could not write one'
    faults.push({ at: `${at}.primary.lock`, detail })
  }
  return [
    ...faults,
    ...textFaults(`${at}.primary.full_name`, primary.full_name),
    ...textFaults(`${at}.primary.user_name`, primary.user_name),
    ...variableFaults(primary, `${at}.primary`),
  ]
}

function variableFaults(json: unknown, at: string): BlueprintFault[] {
  return variablesOf(json)
    .filter((name) => !SETUP_VARIABLES.includes(name))
    .map((name) => ({
      at,
      detail: `\${${name}} is no variable; these are: ${SETUP_VARIABLES.join(', ')}`,
    }))
}

function commandFaults(command: Readonly<Record<string, unknown>>, at: string): BlueprintFault[] {
  const requestType = requestTypeOf(command)
  const refused = NO_COMMANDS[requestType]
  if (refused !== undefined) {
    return [{ at, detail: `${requestType} ${refused}` }]
  }
  const own = ['udid', 'command_uuid', 'CommandUUID'].find((key) => Object.hasOwn(command, key))
  if (own !== undefined) {
    return [{ at: `${at}.${own}`, detail: 'is made for each device: leave it out' }]
  }
  const unknown = variableFaults(command, at)
  if (unknown.length > 0) {
    return unknown
  }
  const samples = Object.fromEntries(SETUP_VARIABLES.map((name) => [name, name]))
  const built = commandOfStep(command, samples, () => '')
  if (!built.ok) {
    return [{ at, detail: built.plain ?? built.error }]
  }
  if (built.secret) {
    const detail = `${requestType} holds a secret, and blueprints are no place for secrets`
    return [{ at, detail: `${detail}: queue it when the device has enrolled` }]
  }
  return built.faults.map((fault) => ({ at: `${at}.${fault.at}`, detail: fault.detail }))
}
