/** What becomes of each kind of item. */
import { createPrivateKey } from 'node:crypto'
import { clock } from '../../clock.ts'
import { requireConfig } from '../../config/config.ts'
import { authorityAnchors, installAuthority } from '../../directory/authorities.ts'
import { recordMoved } from '../../directory/certificates.ts'
import { openMovedChallenges } from '../../directory/challenges.ts'
import type { ItemEnd, ItemKind, ItemOutcome, MoveItem } from '../../directory/moves/items.ts'
import { findMove } from '../../directory/moves/moves.ts'
import { addProfile } from '../../directory/profiles.ts'
import { readAuthority } from '../../migration/records.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import { validatePath } from '../../pki/x509/path.ts'
import type { WorkEnv } from '../work.ts'
import { moveDevices } from './devices.ts'
import { takeUp, type Outcomes } from './enrolment.ts'

type Apply = (env: WorkEnv, items: readonly MoveItem[], move: string) => Promise<Outcomes>

export const APPLY: Readonly<Record<ItemKind, Apply>> = {
  authority: installAuthorities,
  certificate: recordCertificates,
  profile: storeProfiles,
  setup_user: takeUp('setup_user'),
  blueprint: takeUp('blueprint'),
  dep_key: takeUp('dep_key'),
  dep_account: takeUp('dep_account'),
  challenge: openChallenges,
  device: moveDevices,
  // It has no room yet: it stays where it is, as it came.
  kept: async (_, items) => all(items, 'kept'),
}

/** The life of the other server's open challenges, from the activation. */
const CHALLENGES_FOR = 86_400_000

function all(items: readonly MoveItem[], outcome: ItemOutcome): Outcomes {
  return new Map(items.map(({ id }) => [id, { outcome }]))
}

/** The CA that issues here goes on: devices renew from the other server's CA to this one. */
async function installAuthorities(env: WorkEnv, items: readonly MoveItem[]): Promise<Outcomes> {
  const { sealer } = requireConfig(env)
  for (const { data } of items) {
    const { certificate, key, nextSerial } = readAuthority(data)
    const pair = {
      certificate: readCertificate(certificate),
      key: createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' }),
    }
    const facts = { imported: true, nextSerial, now: clock.now(), keepsIssuer: true }
    await installAuthority(env.DB, sealer, pair, facts)
  }
  return all(items, 'applied')
}

/** Certificates of a CA that is not accepted here are of no use. */
async function recordCertificates(env: WorkEnv, items: readonly MoveItem[]): Promise<Outcomes> {
  const anchors = (await authorityAnchors(env.DB)).map((one) => ({ ...one, row: 'moved' as const }))
  const read = items.map(({ id, data }) => {
    const certificate = readCertificate(data)
    return { id, certificate, path: validatePath(certificate, [], anchors, clock.now()) }
  })
  const ours = read.flatMap(({ certificate, path }) =>
    path.ok ? [{ certificate, authority: path.caKeyId }] : [],
  )
  await recordMoved(env.DB, ours)
  return new Map(read.map(({ id, path }) => [id, { outcome: path.ok ? 'applied' : 'kept' }]))
}

/** A profile that is here already stays. */
async function storeProfiles(env: WorkEnv, items: readonly MoveItem[]): Promise<Outcomes> {
  const outcomes = new Map<string, ItemEnd>()
  for (const { id, data } of items) {
    const isNew = await addProfile(env.DB, { identifier: id, mobileconfig: data }, clock.now())
    outcomes.set(id, { outcome: isNew ? 'applied' : 'kept' })
  }
  return outcomes
}

/** They are bound to no device, so they prove nothing for a known id. */
async function openChallenges(
  env: WorkEnv,
  items: readonly MoveItem[],
  move: string,
): Promise<Outcomes> {
  const texts = items.map(({ data }) => new TextDecoder().decode(data))
  const { activatedAt = 0 } = (await findMove(env.DB, move)) ?? {}
  await openMovedChallenges(env.DB, texts, activatedAt + CHALLENGES_FOR)
  return all(items, 'applied')
}
