import { createHash } from 'node:crypto'
import { lacksOf, needsOf } from '../apple/support.ts'
import type { BlueprintStep } from '../blueprints/blueprint.ts'
import {
  accountRequest,
  setupCommand,
  commandOfStep,
  type SetupAdmin,
} from '../blueprints/command.ts'
import { hashPassword, isPasswordHash, newPassword } from '../blueprints/password.ts'
import type { PlannedStep } from '../blueprints/plan.ts'
import type { ConsideredStep } from '../blueprints/select.ts'
import { subjectOf, timeoutOf, waitOf } from '../blueprints/steps.ts'
import type { AppleCommand } from '../commands/apple.ts'
import type { RefusedCommand } from '../commands/build.ts'
import type { JsonObject } from '../commands/go-json.ts'
import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { variablesOf } from '../ddm/payload/variables.ts'
import { readSetupUsers, type StoredSetupUser } from '../directory/blueprints/users.ts'
import { profileBodies } from '../directory/profiles.ts'
import { decodeBase64, encodeBase64 } from '../plist/base64.ts'
import { bytesAt } from '../plist/dict.ts'
import { repoUrl } from '../repo/link.ts'
import { repoNameIn } from '../repo/name.ts'
import type { SetupDevice } from './candidate.ts'
import { platformCrypto } from './platform-crypto.ts'

/** Characters of all profiles of a plan, as base64: a call to an object carries 32 MB. */
const MAX_PROFILES = 20_000_000

const LINK_MS = 30 * 86_400_000

export type SetupSettings = Pick<Config, 'sealer' | 'repoLinks'>

/** What a step can use. */
interface Sources {
  readonly device: SetupDevice
  readonly settings: SetupSettings
  /** base64 by identifier; empty for a profile that is too much. */
  readonly profiles: ReadonlyMap<string, string>
  readonly users: ReadonlyMap<string, StoredSetupUser>
  readonly variables: Readonly<Record<string, string>>
}

/** Why a step has no command. */
interface NoCommand {
  readonly fault: string
}

type Made = { readonly command: AppleCommand | RefusedCommand; readonly password?: string }

const newUUID = (): string => crypto.randomUUID()

/** The steps with their commands. A step that cannot run gets a fault. */
export async function planSteps(
  d1: D1Database,
  settings: SetupSettings,
  device: SetupDevice,
  chosen: readonly ConsideredStep[],
): Promise<PlannedStep[]> {
  const profiles = chosen.flatMap(({ step }) => (step.do === 'profile' ? [step.id] : []))
  const users = chosen.flatMap(({ step }) =>
    step.do === 'account' && step.admin !== undefined ? [step.admin] : [],
  )
  const [bodies, found] = await Promise.all([
    profiles.length === 0 ? new Map() : profileBodies(d1, profiles, MAX_PROFILES),
    users.length === 0 ? [] : readSetupUsers(d1, settings.sealer, users),
  ])
  const sources: Sources = {
    device,
    settings,
    profiles: bodies,
    users: new Map(found.map((user) => [user.uuid, user])),
    variables: variablesFor(device),
  }
  return Promise.all(chosen.map((one) => plannedStep(one, sources)))
}

function variablesFor({ id, serial, facts }: SetupDevice): Record<string, string> {
  const all = {
    serial_number: serial,
    udid: id,
    enrollment_id: id,
    device_name: facts.DeviceName,
    model: facts.ProductName,
    os_version: facts.OSVersion,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
}

async function plannedStep(
  { step, blueprint }: ConsideredStep,
  sources: Sources,
): Promise<PlannedStep> {
  const made = await commandFor(step, sources)
  const isRepeated = !sources.device.awaiting && !sources.device.isFirst
  const planned = {
    kind: step.do,
    subject: subjectOf(step),
    required: step.required ?? false,
    timeoutMs: timeoutOf(step, blueprint),
    wait: waitOf(step),
    ...(step.do === 'account' && { awaitingOnly: true as const }),
    ...(blueprint.reenroll === 'changed' && isRepeated && { onlyIfChanged: true as const }),
  }
  if (made === undefined) {
    return planned
  }
  if ('fault' in made) {
    return { ...planned, ...made }
  }
  const { command, password } = made
  if (!command.ok) {
    return { ...planned, fault: command.plain ?? command.error }
  }
  const { requestType } = command
  const { ProductName: productName, OSVersion: osVersion } = sources.device.facts
  const lacks = lacksOf(needsOf(requestType, command.command), { productName, osVersion })
  if (lacks.length > 0) {
    return { ...planned, fault: lacks.join('; ') }
  }
  const { commandUUID: uuid, payload, secret } = command
  const profile = step.do === 'profile' ? bytesAt(command.command, 'Payload') : undefined
  return {
    ...planned,
    ...(profile && { fingerprint: createHash('sha256').update(profile).digest('hex') }),
    command: { uuid, requestType, payload, secret, ...(password !== undefined && { password }) },
  }
}

/** The command of a step; `undefined` for one without. */
function commandFor(
  step: BlueprintStep,
  sources: Sources,
): Made | NoCommand | undefined | Promise<Made | NoCommand> {
  switch (step.do) {
    case 'profile':
      return profileCommand(step.id, sources)
    case 'package':
      return request({ manifest_url: addressOf(step.manifest, sources) })
    case 'app':
      return request({
        itunes_store_id: step.itunes_store_id,
        options: { purchase_method: 1 },
      })
    case 'account':
      return accountCommand(step, sources)
    case 'command':
      return (
        missingVariable(step.command, sources) ?? {
          command: commandOfStep(step.command, sources.variables, newUUID),
        }
      )
    default:
      return undefined
  }
}

/** As MicroMDM sends it: the app leaves with the management. */
function request(app: JsonObject): Made {
  const install = { request_type: 'InstallApplication', management_flags: 1, ...app }
  return { command: setupCommand(install, newUUID) }
}

/** A device may fetch the manifest later, when the time limit of its setup is over. */
function addressOf(manifest: string, { device, settings }: Sources): string {
  const name = repoNameIn(manifest)
  return name === undefined
    ? manifest
    : repoUrl(device.origin, name, settings, clock.now() + LINK_MS)
}

function profileCommand(id: string, { profiles }: Sources): Made | NoCommand {
  const payload = profiles.get(id)
  if (payload === undefined) {
    return { fault: `no profile is stored under the id ${id} any more: store it, or edit the step` }
  }
  return payload === ''
    ? { fault: `the profiles of this setup are longer than ${MAX_PROFILES} characters in base64` }
    : { command: setupCommand({ request_type: 'InstallProfile', payload }, newUUID) }
}

function missingVariable(json: unknown, { variables }: Sources): NoCommand | undefined {
  const missing = variablesOf(json).find((name) => !Object.hasOwn(variables, name))
  return missing === undefined ? undefined : { fault: `the device has not told its ${missing}` }
}

async function accountCommand(
  step: Extract<BlueprintStep, { do: 'account' }>,
  sources: Sources,
): Promise<Made | NoCommand> {
  const missing = missingVariable(step.primary, sources)
  if (missing) {
    return missing
  }
  const withAdmin = (admin: SetupAdmin | undefined) =>
    setupCommand(accountRequest(step, admin, sources.variables), newUUID)
  if (step.admin === undefined) {
    return { command: withAdmin(undefined) }
  }
  const user = sources.users.get(step.admin)
  if (user === undefined) {
    return { fault: `no setup user has the id ${step.admin} any more: store it, or edit the step` }
  }
  if (user.generates) {
    const password = newPassword(platformCrypto.random)
    const hash = await hashPassword(password, platformCrypto)
    return { command: withAdmin({ ...user, passwordHash: encodeBase64(hash) }), password }
  }
  const fault = faultOfHash(user)
  return fault === undefined ? { command: withAdmin(user) } : { fault }
}

function faultOfHash({ shortName, passwordHash, unreadable }: StoredSetupUser): string | undefined {
  if (unreadable !== undefined) {
    return `the password of ${shortName} cannot be read: ${unreadable}`
  }
  const bytes = decodeBase64(passwordHash, '\r\n')
  return typeof bytes !== 'number' && isPasswordHash(bytes)
    ? undefined
    : `the setup user ${shortName} has no usable password: store it with a password`
}
