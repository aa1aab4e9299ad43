import type { ExpiryKind } from '../events/topics.ts'

/** How a kind of thing that ends is watched. */
interface ExpiryRule {
  readonly title: string
  /** Begins the text of a finding. */
  readonly noun: string
  /** From so many days before the end on, the thing is in need of an admin. */
  readonly warnDays: number
  /** Days before the end at which an event is told; the last first. */
  readonly notices: readonly number[]
  readonly fix: string
}

const NOTICES = [0, 1, 7, 14, 30, 60]

export const EXPIRY_RULES: Readonly<Record<ExpiryKind, ExpiryRule>> = {
  push_certificate: {
    title: 'The push certificate is good',
    noun: 'the push certificate',
    warnDays: 30,
    notices: NOTICES,
    fix: 'renew it with the same Apple Account (docs/push-certificate.md): after its end no push leaves',
  },
  ca: {
    title: 'The certificate authority issues',
    noun: 'the certificate authority',
    warnDays: 60,
    notices: NOTICES,
    fix: 'make its successor with `npm run ca -- create` (docs/certificates.md): devices of this one stay',
  },
  // The server renews identities 30 days before their end, so only later notices mean anything.
  identities: {
    title: 'Identities of devices are renewed in time',
    noun: 'the first of the identities of devices',
    warnDays: 14,
    notices: NOTICES.slice(0, 4),
    fix: 'look at GET /api/renewals, and at the devices of GET /api/identities (docs/renewal.md)',
  },
  dep_token: {
    title: 'Tokens of Apple Business Manager are good',
    noun: 'the server token of',
    warnDays: 30,
    notices: NOTICES,
    fix: 'download a new token from Apple and import it (docs/apple-business-manager.md)',
  },
  profile_signing: {
    title: 'The certificate that signs profiles is good',
    noun: 'the certificate that signs profiles',
    warnDays: 30,
    notices: NOTICES,
    fix: 'renew PROFILE_SIGNING_CERT: devices show profiles as not verified after its end',
  },
  api_key: {
    title: 'API keys are good',
    noun: 'the API key',
    warnDays: 14,
    notices: NOTICES,
    fix: 'roll it (docs/keys.md), and give the new one to its program',
  },
}
