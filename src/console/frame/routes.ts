import type { ComponentType } from 'preact'
import type { ScreenProps } from '../place/router.ts'

export interface Route {
  readonly pattern: string
  readonly title: string
  /** Loads its file. Screens that one goes through together are an area with one file. */
  readonly load: () => Promise<ComponentType<ScreenProps>>
}

/** Every screen. The first pattern that fits counts. */
export const ROUTES: readonly Route[] = [
  {
    pattern: '/console',
    title: 'Overview',
    load: async () => (await import('../screens/overview/screen.tsx')).default,
  },
  {
    pattern: '/console/devices',
    title: 'Devices',
    load: async () => (await import('../screens/devices/screen.tsx')).default,
  },
  {
    pattern: '/console/jobs',
    title: 'Jobs',
    load: async () => (await import('../screens/areas/jobs.ts')).Jobs,
  },
  {
    pattern: '/console/jobs/:id',
    title: 'Job',
    load: async () => (await import('../screens/areas/jobs.ts')).Job,
  },
  {
    pattern: '/console/devices/:id',
    title: 'Device',
    load: async () => (await import('../screens/device/screen.tsx')).default,
  },
  {
    pattern: '/console/devices/:id/command/:type?',
    title: 'Command',
    load: async () => (await import('../screens/areas/commands.ts')).Composer,
  },
  {
    pattern: '/console/commands/new',
    title: 'Command to many devices',
    load: async () => (await import('../screens/areas/commands.ts')).ComposerForMany,
  },
  {
    pattern: '/console/commands/:id',
    title: 'Command',
    load: async () => (await import('../screens/command/screen.tsx')).default,
  },
  {
    pattern: '/console/profiles',
    title: 'Profiles',
    load: async () => (await import('../screens/areas/profiles.ts')).Profiles,
  },
  {
    pattern: '/console/profiles/:id',
    title: 'Profile',
    load: async () => (await import('../screens/areas/profiles.ts')).Profile,
  },
  {
    pattern: '/console/updates',
    title: 'Updates',
    load: async () => (await import('../screens/areas/updates.ts')).Updates,
  },
  {
    pattern: '/console/updates/:id',
    title: 'Update',
    load: async () => (await import('../screens/areas/updates.ts')).Update,
  },
  {
    pattern: '/console/enrolment',
    title: 'Enrolment',
    load: async () => (await import('../screens/enrolment/screen.tsx')).default,
  },
  {
    pattern: '/console/business-manager',
    title: 'Apple Business Manager',
    load: async () => (await import('../screens/areas/business-manager.ts')).Accounts,
  },
  {
    pattern: '/console/business-manager/:id',
    title: 'Account',
    load: async () => (await import('../screens/areas/business-manager.ts')).Account,
  },
  {
    pattern: '/console/blueprints',
    title: 'Blueprints',
    load: async () => (await import('../screens/areas/blueprints.ts')).Blueprints,
  },
  {
    pattern: '/console/blueprints/:id',
    title: 'Blueprint',
    load: async () => (await import('../screens/areas/blueprints.ts')).Blueprint,
  },
  {
    pattern: '/console/health',
    title: 'Health',
    load: async () => (await import('../screens/health/screen.tsx')).default,
  },
  {
    pattern: '/console/webhooks',
    title: 'Webhooks',
    load: async () => (await import('../screens/areas/webhooks.ts')).Webhooks,
  },
  {
    pattern: '/console/webhooks/:id',
    title: 'Webhook',
    load: async () => (await import('../screens/areas/webhooks.ts')).Webhook,
  },
  {
    pattern: '/console/audit',
    title: 'Audit',
    load: async () => (await import('../screens/audit/screen.tsx')).default,
  },
  {
    pattern: '/console/settings',
    title: 'Settings',
    load: async () => (await import('../screens/settings/screen.tsx')).default,
  },
  {
    pattern: '/console/declarations',
    title: 'Declarations',
    load: async () => (await import('../screens/areas/declarations.ts')).Declarations,
  },
  {
    pattern: '/console/declarations/:id',
    title: 'Declaration',
    load: async () => (await import('../screens/areas/declarations.ts')).Declaration,
  },
  {
    pattern: '/console/sets',
    title: 'Sets',
    load: async () => (await import('../screens/areas/declarations.ts')).Sets,
  },
  {
    pattern: '/console/sets/:id',
    title: 'Set',
    load: async () => (await import('../screens/areas/declarations.ts')).Set,
  },
  {
    pattern: '/console/activity',
    title: 'Activity',
    load: async () => (await import('../screens/activity/screen.tsx')).default,
  },
]

/** The main screens, in the order of the navigation. `key` follows G. */
export const NAVIGATION: readonly {
  readonly to: string
  readonly label: string
  readonly key: string
}[] = [
  { to: '/console', label: 'Overview', key: 'o' },
  { to: '/console/devices', label: 'Devices', key: 'd' },
  { to: '/console/activity', label: 'Activity', key: 'a' },
  { to: '/console/jobs', label: 'Jobs', key: 'j' },
  { to: '/console/declarations', label: 'Declarations', key: 'c' },
  { to: '/console/updates', label: 'Updates', key: 't' },
  { to: '/console/profiles', label: 'Profiles', key: 'p' },
  { to: '/console/enrolment', label: 'Enrolment', key: 'e' },
  { to: '/console/business-manager', label: 'Business Manager', key: 'b' },
  { to: '/console/blueprints', label: 'Blueprints', key: 'l' },
  { to: '/console/webhooks', label: 'Webhooks', key: 'w' },
  { to: '/console/health', label: 'Health', key: 'h' },
  { to: '/console/audit', label: 'Audit', key: 'u' },
  { to: '/console/settings', label: 'Settings', key: 's' },
]
