/** The end of an enrolment: the way through Setup Assistant, and what a person finds on the desktop. */
import type { SimulatedDevice } from './device.ts'
import type { LocalAccount, SetupPhase } from './setup.ts'

export interface Desktop {
  readonly phase: SetupPhase
  readonly accounts: readonly LocalAccount[]
  /** Identifiers of profiles and managed apps. */
  readonly profiles: readonly string[]
  readonly apps: readonly string[]
  /** Why packages are missing. */
  readonly failures: readonly string[]
}

/** What the device has by now. */
export function desktopOf(device: SimulatedDevice): Desktop {
  const { profiles, applications, failures } = device.installed
  const managed = [...applications].filter(([, application]) => application.managed)
  return {
    ...device.setup(),
    profiles: [...profiles.keys()],
    apps: managed.map(([identifier]) => identifier),
    failures,
  }
}

const PHASES: Readonly<Record<SetupPhase, string>> = {
  none: 'was not held in Setup Assistant',
  awaiting: 'is still held in Setup Assistant',
  released: 'was released from Setup Assistant',
}

/** The same as a sentence. */
export function desktopText(device: SimulatedDevice): string {
  const { phase, accounts, profiles, apps, failures } = desktopOf(device)
  const names = accounts.map(({ shortName, isAdmin, isHidden }) =>
    [shortName, isAdmin ? 'admin' : 'standard', ...(isHidden ? ['hidden'] : [])].join(' '),
  )
  return [
    `${device.name} ${PHASES[phase]}`,
    `accounts: ${names.join(', ') || 'none'}`,
    `profiles: ${profiles.join(', ') || 'none'}`,
    `apps: ${apps.join(', ') || 'none'}`,
    ...(failures.length > 0 ? [`not installed: ${failures.join(', ')}`] : []),
  ].join('; ')
}

/**
 * Polls without a push until Setup Assistant lets the device go, the server ends its management, or so many
 * polls were in vain. `wait` stands between two polls.
 */
export async function walkThroughSetup(
  device: SimulatedDevice,
  options: { readonly wait: () => Promise<void>; readonly polls?: number },
): Promise<Desktop> {
  const { wait, polls = 100 } = options
  for (let poll = 0; poll < polls && isHeld(device); poll += 1) {
    if (poll > 0) {
      await wait()
    }
    await device.poll()
  }
  return desktopOf(device)
}

/** Whether the device polls by itself. */
export function isHeld(device: SimulatedDevice): boolean {
  return device.setup().phase === 'awaiting' && device.state() !== 'unmanaged'
}
