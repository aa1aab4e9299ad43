/** The addresses at which each screen is looked at. */
import { ROUTES } from '../../../src/console/frame/routes.ts'
import type { Examples } from './fleet.ts'
import { LIBRARY } from './library.ts'

const DEVICE_TABS = ['queue', 'inventory', 'profiles', 'certificates', 'secrets', 'declarations']

/** Screens whose address has an id, and further addresses of the others. */
const ADDRESSES: Readonly<Record<string, (examples: Examples) => readonly string[]>> = {
  '/console/devices/:id': ({ mac, phone, hostile, gone }) => [
    ...[mac, phone, hostile, gone, 'NOT-HERE-YET'].map((id) => `/console/devices/${id}`),
    ...DEVICE_TABS.map((tab) => `/console/devices/${mac}?tab=${tab}`),
    `/console/devices/${phone}?tab=secrets&reveal=any`,
  ],
  '/console/devices/:id/command/:type?': ({ mac, phone }) => [
    `/console/devices/${mac}/command`,
    `/console/devices/${mac}/command/DeviceLock`,
    `/console/devices/${phone}/command/EraseDevice`,
    `/console/devices/${phone}/command/InstallApplication`,
  ],
  '/console/commands/new': () => [
    '/console/commands/new?platform=macOS',
    '/console/commands/new?type=RestartDevice',
  ],
  '/console/commands/:id': ({ answered, refused, waiting }) =>
    [answered, refused, waiting].map((id) => `/console/commands/${encodeURIComponent(id)}`),
  '/console/jobs/:id': ({ job }) => [`/console/jobs/${job}`],
  '/console/webhooks/:id': ({ webhook }) =>
    ['', '?tab=dead', '?tab=settings'].map((tab) => `/console/webhooks/${webhook}${tab}`),
  '/console/declarations/:id': () => [`/console/declarations/${LIBRARY.declaration}`],
  '/console/sets/:id': () => [`/console/sets/${LIBRARY.set}`],
  '/console/updates/:id': () => [`/console/updates/${LIBRARY.update}`],
  '/console/profiles/:id': () => [`/console/profiles/${LIBRARY.profile}`],
  '/console/blueprints/:id': () => [`/console/blueprints/${LIBRARY.blueprint}`],
  '/console/business-manager/:id': ({ account }) =>
    ['', '?tab=token'].map((tab) => `/console/business-manager/${account}${tab}`),
  '/console/blueprints': () =>
    ['', '?tab=users', '?tab=preview'].map((tab) => `/console/blueprints${tab}`),
  '/console/devices': () => [
    '/console/devices',
    '/console/devices?state=enrolled&platform=macOS&cols=name,serial,model,os,state,push,seen,users',
  ],
  '/console/settings': () =>
    ['', '?tab=sessions', '?tab=keys', '?tab=server'].map((tab) => `/console/settings${tab}`),
}

/**
 * All addresses to look at.
 *
 * @throws Error that names a screen whose address needs an id and has no example here
 */
export function addressesOf(examples: Examples): string[] {
  return ROUTES.flatMap(({ pattern }) => {
    const addresses = ADDRESSES[pattern]?.(examples)
    if (!addresses && pattern.includes(':')) {
      throw new Error(`${pattern} has no example: add one to test/console/walk/addresses.ts`)
    }
    return addresses ?? [pattern]
  })
}
