/** Declarative management for the channels of a simulated device. */
import type { Platform } from '../../../apple/platform.ts'
import type { ChannelFacts } from '../../../ddm/facts.ts'
import type { EnrolledScope } from '../answers/responses.ts'
import { operatingSystem } from '../os.ts'
import { HARDWARE } from '../platforms.ts'
import type { Wire } from '../wire.ts'
import { createDeclarative, type Declarative, type DeclarativeOptions } from './engine.ts'
import type { ChosenFaults } from './faults.ts'

/** How a program chooses a device's declarative management. */
export interface DeclarativeChoices {
  readonly faults?: ChosenFaults
  /** Continues a device that has it on; its device channel fetches everything anew. */
  readonly wasDeclarative?: boolean
  /** Waits for the fault `slow`; without it by a timer. */
  readonly wait?: (ms: number) => Promise<void>
}

interface Owner extends DeclarativeChoices {
  readonly platform: Platform
  readonly udid: string
  readonly serial: string
  readonly userEnrollment?: object
  readonly clock?: () => Date
}

/** Makes declarative management for one channel. */
export type DeclareOnChannel = (
  channel: Pick<DeclarativeOptions, 'installed' | 'ask' | 'applied'> & {
    readonly scope: EnrolledScope
  },
) => Declarative

/** `updated` is called with each OS version that an update installs. */
export function createDeclaring(
  owner: Owner,
  wire: Wire,
  updated: (osVersion: string) => void,
): { readonly declare: DeclareOnChannel; readonly forget: () => void } {
  const { clock = () => new Date(), wait = waitByTimer } = owner
  const all: Declarative[] = []

  const declare: DeclareOnChannel = ({ scope, ...channel }) => {
    const made = createDeclarative({
      ...channel,
      os: () => wire.os,
      installOS({ version, build }) {
        wire.os = { ...operatingSystem(owner.platform, version), build }
        updated(version)
      },
      download: (url, signed) => wire.get(url, signed),
      facts: () => factsOf(owner, scope, wire.os.version),
      udid: owner.udid,
      now: clock,
      wait,
      faults: owner.faults ?? {},
      wasOn: owner.wasDeclarative === true && (scope === 'device' || scope === 'sharedDevice'),
    })
    all.push(made)
    return made
  }

  function forget(): void {
    for (const each of all) {
      each.forget()
    }
  }

  return { declare, forget }
}

function factsOf(owner: Owner, scope: EnrolledScope, osVersion: string): ChannelFacts {
  const { platform, serial, userEnrollment } = owner
  return {
    platform,
    osVersion,
    enrollment: userEnrollment === undefined ? 'supervised' : 'user',
    scope: scope === 'user' || scope === 'sharedUser' ? 'user' : 'system',
    sharedIPad: scope === 'sharedDevice' || scope === 'sharedUser',
    models: [HARDWARE[platform].productName],
    serialNumber: serial,
    supported: undefined,
  }
}

async function waitByTimer(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
