import { hash } from 'node:crypto'
import type { Offered } from './manifest.ts'
import { declarationKind } from '../kinds.ts'

/** Identifiers of the server's own declarations begin so. */
export const OWN_PREFIX = 'edgemdm.'

/** A declaration that the server adds by itself. */
export interface BuiltIn {
  readonly identifier: string
  readonly type: string
  /** Its keys are in alphabetical order. */
  readonly payload: Readonly<Record<string, unknown>>
}

/** Status items that all devices have, before they tell which ones they know. */
const BASIC_ITEMS: readonly string[] = [
  'device.identifier.serial-number',
  'device.identifier.udid',
  'device.model.family',
  'device.model.identifier',
  'device.model.marketing-name',
  'device.operating-system.build-version',
  'device.operating-system.family',
  'device.operating-system.marketing-name',
  'device.operating-system.version',
]

/** Further items, for devices that list them among those that they know. */
const MORE_ITEMS: readonly string[] = [
  'app.managed.list',
  'device.operating-system.supplemental.build-version',
  'device.operating-system.supplemental.extra-version',
  'device.power.battery-health',
  'device.system.health',
  'diskmanagement.filevault.enabled',
  'mdm.enrollment-type',
  'mdm.is-shared-ipad',
  'package.list',
  'passcode.is-compliant',
  'passcode.is-present',
  'softwareupdate.beta-enrollment',
  'softwareupdate.device-id',
  'softwareupdate.failure-reason',
  'softwareupdate.install-reason',
  'softwareupdate.install-state',
  'softwareupdate.pending-version',
]

const SUBSCRIPTION = `${OWN_PREFIX}status-subscription`
const ACTIVATION = `${OWN_PREFIX}status-activation`

/**
 * The server's own subscription to status items, and its activation. A name that a device does not know may
 * be an error there, so only the basic items go to a device that has not listed its own.
 *
 * @param known the names of `management.client-capabilities`; none while it is not reported
 */
export function ownSubscription(known: readonly string[]): readonly BuiltIn[] {
  const items =
    known.length === 0
      ? BASIC_ITEMS
      : [...BASIC_ITEMS, ...MORE_ITEMS].filter((name) => known.includes(name))
  return [
    {
      identifier: SUBSCRIPTION,
      type: 'com.apple.configuration.management.status-subscriptions',
      payload: { StatusItems: items.map((Name) => ({ Name })) },
    },
    {
      identifier: ACTIVATION,
      type: 'com.apple.activation.simple',
      payload: { StandardConfigurations: [SUBSCRIPTION] },
    },
  ]
}

/** The place of a built-in declaration in a manifest. */
export function offeredBuiltIn({ identifier, type, payload }: BuiltIn): Offered {
  const token = hash('sha256', JSON.stringify({ Payload: payload, Type: type }), 'hex').slice(0, 32)
  return { kind: declarationKind(type) ?? 'configuration', identifier, type, token, content: token }
}

/** Whether the server adds a declaration of this identifier by itself. */
export function isBuiltIn(identifier: string): boolean {
  return identifier === SUBSCRIPTION || identifier === ACTIVATION
}
