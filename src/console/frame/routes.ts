import type { ComponentType } from 'preact'
import type { ScreenProps } from '../place/router.ts'

export interface Route {
  readonly pattern: string
  readonly title: string
  /** Its chunk is loaded when the screen is first opened. */
  readonly load: () => Promise<{ readonly default: ComponentType<ScreenProps> }>
}

/** Every screen. The first pattern that fits counts. */
export const ROUTES: readonly Route[] = [
  {
    pattern: '/console',
    title: 'Overview',
    load: () => import('../screens/overview/screen.tsx'),
  },
  {
    pattern: '/console/devices',
    title: 'Devices',
    load: () => import('../screens/devices/screen.tsx'),
  },
  { pattern: '/console/jobs', title: 'Jobs', load: () => import('../screens/jobs/screen.tsx') },
  { pattern: '/console/jobs/:id', title: 'Job', load: () => import('../screens/jobs/job.tsx') },
  {
    pattern: '/console/devices/:id',
    title: 'Device',
    load: () => import('../screens/device/screen.tsx'),
  },
  {
    pattern: '/console/devices/:id/command/:type?',
    title: 'Command',
    load: () => import('../screens/composer/screen.tsx'),
  },
  {
    pattern: '/console/commands/new',
    title: 'Command to many devices',
    load: () => import('../screens/composer/many.tsx'),
  },
  {
    pattern: '/console/commands/:id',
    title: 'Command',
    load: () => import('../screens/command/screen.tsx'),
  },
  {
    pattern: '/console/profiles',
    title: 'Profiles',
    load: () => import('../screens/configuration/profiles/screen.tsx'),
  },
  {
    pattern: '/console/profiles/:id',
    title: 'Profile',
    load: () => import('../screens/configuration/profiles/profile.tsx'),
  },
  {
    pattern: '/console/updates',
    title: 'Updates',
    load: () => import('../screens/configuration/updates/screen.tsx'),
  },
  {
    pattern: '/console/updates/:id',
    title: 'Update',
    load: () => import('../screens/configuration/updates/update.tsx'),
  },
  {
    pattern: '/console/enrolment',
    title: 'Enrolment',
    load: () => import('../screens/enrolment/screen.tsx'),
  },
  {
    pattern: '/console/business-manager',
    title: 'Apple Business Manager',
    load: () => import('../screens/enrolment/business-manager/screen.tsx'),
  },
  {
    pattern: '/console/business-manager/:id',
    title: 'Account',
    load: () => import('../screens/enrolment/business-manager/account.tsx'),
  },
  {
    pattern: '/console/blueprints',
    title: 'Blueprints',
    load: () => import('../screens/enrolment/blueprints/screen.tsx'),
  },
  {
    pattern: '/console/blueprints/:id',
    title: 'Blueprint',
    load: () => import('../screens/enrolment/blueprints/blueprint.tsx'),
  },
  {
    pattern: '/console/health',
    title: 'Health',
    load: () => import('../screens/health/screen.tsx'),
  },
  {
    pattern: '/console/webhooks',
    title: 'Webhooks',
    load: () => import('../screens/webhooks/screen.tsx'),
  },
  {
    pattern: '/console/webhooks/:id',
    title: 'Webhook',
    load: () => import('../screens/webhooks/webhook.tsx'),
  },
  {
    pattern: '/console/audit',
    title: 'Audit',
    load: () => import('../screens/audit/screen.tsx'),
  },
  {
    pattern: '/console/settings',
    title: 'Settings',
    load: () => import('../screens/settings/screen.tsx'),
  },
  {
    pattern: '/console/declarations',
    title: 'Declarations',
    load: () => import('../screens/configuration/declarations/screen.tsx'),
  },
  {
    pattern: '/console/declarations/:id',
    title: 'Declaration',
    load: () => import('../screens/configuration/declarations/one/declaration.tsx'),
  },
  {
    pattern: '/console/sets',
    title: 'Sets',
    load: () => import('../screens/configuration/sets/screen.tsx'),
  },
  {
    pattern: '/console/sets/:id',
    title: 'Set',
    load: () => import('../screens/configuration/sets/set.tsx'),
  },
  {
    pattern: '/console/activity',
    title: 'Activity',
    load: () => import('../screens/activity/screen.tsx'),
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
