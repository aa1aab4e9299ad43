/** Claims of certificates. The first enrolment that claims one owns it. */
import { sql } from 'drizzle-orm'
import type { Binding } from '../../pki/seal/challenge.ts'
import { isAccepted, isBornHere, isImportedBefore } from '../authorities.ts'
import type { CertificateFacts } from '../certificate-facts.ts'
import { isBoundElsewhere, isRecorded, issuedValue } from '../certificates.ts'
import { gather } from '../gather.ts'
import { claimQuery, isClaimed, ownerValue } from '../identities.ts'
import { jsonOf, prepared } from '../prepared.ts'
import { formsOf, isCalled } from './users.ts'

export interface ClaimRequest {
  readonly fingerprint: string
  readonly device: string
  /** The `key_id` of our own CA that issued it, which still has to be accepted; empty for another CA. */
  readonly authority: string
  /** Digests of what the message says of the device. */
  readonly said: Binding
  /** The message begins an enrolment. */
  readonly begins: boolean
  /** A certificate of ours may be adopted: the message begins an enrolment, or a setting tolerates it. */
  readonly mayAdopt: boolean
  /** The time before which its CA cannot have been imported if another server issued it (milliseconds). */
  readonly issuedBy: number
}

/** Why a certificate cannot be claimed; empty if it can, or has an owner. */
export type ClaimVerdict = '' | 'udid' | 'serial' | 'unbegun' | 'forgotten' | 'late' | 'removed'

export interface ClaimOutcome extends CertificateFacts {
  readonly verdict: ClaimVerdict
  /** Whether a user of another device has the id of the enrolment. */
  readonly isUsers: boolean
}

/**
 * Claims an unused certificate for an enrolment. A refused one stores nothing. Claims of several requests
 * share a batch.
 */
export const claimIdentity = gather(claimAll)

const claims = sql.placeholder('claims')
const of = (key: string) => sql.raw(`asked.value ->> '${key}'`)
const certificate = of('fingerprint')
const authority = of('authority')

/** Trust on first use does not apply to our own certificates: an enrolment with one begins first. */
const VERDICT = sql`CASE
  WHEN ${isBoundElsewhere(certificate, 'boundUdid', of('udid'))} THEN 'udid'
  WHEN ${of('begins')} AND ${isBoundElsewhere(certificate, 'boundSerial', of('serial'))} THEN 'serial'
  WHEN ${isClaimed(certificate, of('device'))} THEN ''
  WHEN ${isRecorded(certificate)} AND NOT ${of('mayAdopt')} THEN 'unbegun'
  WHEN NOT ${isRecorded(certificate)} AND ${isBornHere(authority)} THEN 'forgotten'
  WHEN NOT ${isRecorded(certificate)} AND ${isImportedBefore(authority, of('issuedBy'))} THEN 'late'
  WHEN ${isClaimed(certificate)} OR ${authority} = '' OR ${isAccepted(authority)} THEN ''
  ELSE 'removed' END`

const claimStatement = prepared((db) =>
  claimQuery(
    db,
    sql`SELECT ${certificate}, ${of('device')} FROM json_each(${claims}) AS asked WHERE ${VERDICT} = ''`,
  ),
)

const outcomeStatement = prepared((db) =>
  db
    .select({
      verdict: VERDICT.as('verdict'),
      owner: ownerValue(certificate).as('owner'),
      issued: issuedValue(certificate).as('issued'),
      isUsers: isCalled(of('device'), of('forms')).as('isUsers'),
    })
    .from(sql`json_each(${claims}) AS asked`)
    .orderBy(sql`asked.key`),
)

async function claimAll(
  d1: D1Database,
  requests: readonly ClaimRequest[],
): Promise<ClaimOutcome[]> {
  const values = {
    claims: jsonOf(
      requests.map(({ said, ...terms }) => ({ ...said, ...terms, forms: formsOf(terms.device) })),
    ),
  }
  const [, outcomes] = await d1.batch<{
    verdict: ClaimVerdict
    owner: string | null
    issued: string | null
    isUsers: number
  }>([claimStatement(d1, values), outcomeStatement(d1, values)])
  return (outcomes?.results ?? []).map(({ verdict, owner, issued, isUsers }) => ({
    verdict,
    owner: owner ?? undefined,
    issued: issued === null ? undefined : issuedOf(JSON.parse(issued)),
    isUsers: isUsers === 1,
  }))
}

function issuedOf({ profile, ...binding }: Binding & { readonly profile: number }) {
  return { profile, binding }
}
