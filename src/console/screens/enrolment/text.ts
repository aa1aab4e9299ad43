import type { Schema } from '../../api/types.ts'
import type { Tone } from '../../kit/badge.tsx'

type Kind = Schema<'EnrollmentStep'>['kind']

/** What has happened, and what to look at when nothing follows. */
export const STEPS: Readonly<
  Record<Kind, { readonly tone: Tone; readonly label: string; readonly next: string }>
> = {
  profile_sent: {
    tone: 'busy',
    label: 'Profile downloaded',
    next:
      'It is not installed yet. Mac: System Settings, search for “profiles”, Install. ' +
      'iPhone or iPad: Settings, Profile Downloaded, Install.',
  },
  certificate_issued: {
    tone: 'busy',
    label: 'Certificate issued',
    next: 'The device cannot reach the address in its profile: check its network and any proxy.',
  },
  checked_in: {
    tone: 'busy',
    label: 'Checked in',
    next: 'It has no push token yet: it has to reach Apple (17.0.0.0/8, port 5223 or 443).',
  },
  enrolled: { tone: 'good', label: 'Enrolled', next: 'It is here.' },
  refused: { tone: 'bad', label: 'Refused', next: 'The reason stands beside it.' },
}

export const HOW = [
  ['Mac', 'Open the link in Safari, then System Settings, search for “profiles”, and Install.'],
  ['iPhone, iPad', 'Point the camera at the code, then Settings, Profile Downloaded, and Install.'],
] as const
