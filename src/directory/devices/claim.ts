/** Claims of certificates. The first enrolment that claims one owns it. */
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import type { Binding } from '../../pki/seal/challenge.ts'
import { isAccepted, isBornHere, isImportedBefore } from '../authorities.ts'
import type { CertificateFacts } from '../certificate-facts.ts'
import { isBoundElsewhere, isMoved, isRecorded, issuedValue } from '../certificates.ts'
import { gather } from '../gather.ts'
import { claimQuery, isClaimed, ownerValue } from '../identities.ts'
import { isMoving } from '../moves/items.ts'
import { jsonOf, listedValue as of, sql, writeAll } from '../sql.ts'
import { flat, insertNewRows } from './rows.ts'
import { formsOf, isCalled } from './users.ts'

/** A claim of the certificate that a row names, for the device of the row. */
export interface ClaimRequest {
  readonly row: DirectoryRow
  /** The `key_id` of our own CA that issued it, which still has to be accepted; empty for another CA. */
  readonly authority: string
  /** Digests of what the message says of the device. */
  readonly said: Binding
  /** The message begins an enrolment. */
  readonly begins: boolean
  /** A certificate of ours may be adopted: the message begins an enrolment, or a setting tolerates it. */
  readonly mayAdopt: boolean
  /** The device came from another server, which knew no certificate of it: it may bring one from there. */
  readonly isUnproven: boolean
  /** The time before which its CA cannot have been imported if another server issued it (milliseconds). */
  readonly issuedBy: number
}

/** Why a certificate cannot be claimed; empty if it can, or has an owner. */
export type ClaimVerdict =
  | ''
  | 'moving'
  | 'udid'
  | 'serial'
  | 'unbegun'
  | 'forgotten'
  | 'late'
  | 'removed'

export interface ClaimOutcome extends CertificateFacts {
  readonly verdict: ClaimVerdict
  /** Whether a user of another device has the id of the enrolment. */
  readonly isUsers: boolean
  /** Whether the device was new: the directory has the row of this claim. */
  readonly isListed: boolean
}

/**
 * Claims an unused certificate for a device, and lists the device if it is new. A refused claim stores
 * nothing. Claims of several requests share a batch.
 */
export const claimIdentity = gather(claimAll)

const certificate = of('identity')
const authority = of('authority')

/** Trust on first use does not apply to our own certificates: an enrolment with one begins first. */
const VERDICT = sql<ClaimVerdict>`CASE
  WHEN ${isMoving(of('id'))} THEN 'moving'
  WHEN ${isBoundElsewhere(certificate, 'udid', of('udid'))} THEN 'udid'
  WHEN ${of('begins')} AND ${isBoundElsewhere(certificate, 'serial', of('serial'))} THEN 'serial'
  WHEN ${isClaimed(certificate, of('id'))} THEN ''
  WHEN ${isRecorded(certificate)} AND NOT ${of('mayAdopt')}
    AND NOT (${of('isUnproven')} AND ${isMoved(certificate)}) THEN 'unbegun'
  WHEN NOT ${isRecorded(certificate)} AND ${isBornHere(authority)} THEN 'forgotten'
  WHEN NOT ${isRecorded(certificate)} AND ${isImportedBefore(authority, of('issuedBy'))} THEN 'late'
  WHEN ${isClaimed(certificate)} OR ${authority} = '' OR ${isAccepted(authority)} THEN ''
  ELSE 'removed' END`

const isOwner = sql`${isClaimed(certificate, of('id'))} AND ${VERDICT} = ''`

interface Outcome {
  readonly device: string
  readonly identity: string
  readonly verdict: ClaimVerdict
  readonly owner: string | null
  readonly issued: string | null
  readonly isUsers: number
}

const OUTCOME = sql`${VERDICT} AS verdict, ${ownerValue(certificate)} AS owner,
  ${issuedValue(certificate)} AS issued, ${isCalled(of('id'), of('forms'))} AS isUsers,
  ${of('id')} AS device, ${certificate} AS identity`

async function claimAll(
  d1: D1Database,
  requests: readonly ClaimRequest[],
): Promise<ClaimOutcome[]> {
  const claims = jsonOf(
    requests.map(({ row, said, ...terms }) => ({
      ...flat(row),
      ...said,
      ...terms,
      forms: formsOf(row.id),
    })),
  )
  const listed = sql`json_each(${claims}) AS listed`
  const [, added, outcomes] = await writeAll(d1, [
    claimQuery(sql`SELECT ${certificate}, ${of('id')} FROM ${listed} WHERE ${VERDICT} = ''`),
    // Only a device that owns the certificate: the sender chooses ids and serial numbers.
    insertNewRows(claims, isOwner),
    sql<Outcome>`SELECT ${OUTCOME} FROM ${listed} ORDER BY listed.key`,
  ])
  const isNew = new Set(added.results.map(({ identity }) => identity))
  return outcomes.results.map(({ verdict, device, identity, owner, issued, isUsers }) => ({
    verdict,
    owner: owner ?? undefined,
    issued: issued === null ? undefined : issuedOf(JSON.parse(issued)),
    isUsers: isUsers === 1,
    isListed: owner === device && isNew.has(identity),
  }))
}

function issuedOf({ profile, ...binding }: Binding & { readonly profile: number }) {
  return { profile, binding }
}
