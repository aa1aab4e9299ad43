import { inTime } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import type { SetupFacts } from '../device/setup/begin.ts'
import type { SetupReply, SetupRequest } from '../device/setup/requests.ts'
import { knownBlueprints } from '../directory/blueprints/blueprints.ts'
import type { Message } from '../mdm/message.ts'
import { planFor } from './plan-for.ts'

export interface SetupEnv {
  readonly DB: D1Database
  readonly DEVICE: {
    getByName(name: string): { setup(request: SetupRequest): Promise<SetupReply> }
  }
}

/** How long the message of a device waits for its blueprints. */
const PATIENCE = 5000

/**
 * Whether a setup may begin with this message. A device that waits in Setup Assistant asks in any case: then
 * an event says that no blueprint is for it.
 */
export async function mayBeginSetup(env: SetupEnv, message: Message): Promise<boolean> {
  if (
    message.kind !== 'checkin' ||
    message.messageType !== 'TokenUpdate' ||
    message.enrollment.user !== ''
  ) {
    return false
  }
  if (message.awaitingConfiguration === true) {
    return true
  }
  try {
    return (await inTime(PATIENCE, knownBlueprints(env.DB))).length > 0
  } catch {
    // The device gets nothing until they are read.
    return true
  }
}

/**
 * Reads the blueprints of a device, and begins its setup. If this fails, the next message of the device does
 * it, or its alarm.
 */
export async function beginSetupOf(
  env: SetupEnv,
  device: string,
  facts: SetupFacts,
): Promise<void> {
  const plan = await setupPlanOf(env, device, facts)
  const { run } = facts
  const request = { kind: 'begin', plan, run, uuid: crypto.randomUUID() } as const
  await env.DEVICE.getByName(device).setup(request)
}

/** What the device goes through, by the blueprints of now. */
export function setupPlanOf(
  env: SetupEnv,
  device: string,
  { facts, run: _run, ...occasion }: SetupFacts,
): ReturnType<typeof planFor> {
  const serial = facts.SerialNumber
  return planFor(env, requireConfig(env), { ...occasion, id: device, serial, facts })
}

/** The same while the device waits for the answer to its message. @throws when it takes too long */
export async function beginSetupNow(
  env: SetupEnv,
  device: string,
  facts: SetupFacts,
): Promise<void> {
  await inTime(PATIENCE, beginSetupOf(env, device, facts))
}

/** The alarm of a device asks for its blueprints. */
export async function beginDueSetup(env: SetupEnv, device: string): Promise<void> {
  const due = await env.DEVICE.getByName(device).setup({ kind: 'due' })
  if (due.kind === 'due' && due.facts) {
    await beginSetupOf(env, device, due.facts)
  }
}
