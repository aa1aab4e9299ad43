/** The subjects of commands, in the order of a list. */
export const GROUPS = [
  'Information',
  'Lock and erase',
  'Lost Mode',
  'Profiles',
  'Apps and media',
  'Accounts and passwords',
  'Operating system',
  'Settings',
  'Network and sharing',
] as const

export type CommandGroup = (typeof GROUPS)[number]
