import { Buffer } from 'node:buffer'
import { clock, inTime } from '../../clock.ts'
import type { MovedIdentity } from '../../device/moved/bindings.ts'
import type { MovedIn, MoveIn } from '../../device/moved/take.ts'
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import { authorityAnchors } from '../../directory/authorities.ts'
import { claimMoved } from '../../directory/identities.ts'
import { projectRows } from '../../directory/devices/project.ts'
import { project } from '../../directory/devices/rows.ts'
import { calledIds, keepMovedClaims } from '../../directory/devices/users.ts'
import type { ItemEnd, MoveItem } from '../../directory/moves/items.ts'
import { warn } from '../../log.ts'
import type { MovedBinding, MovedDevice } from '../../migration/moved.ts'
import { readMovedDevice } from '../../migration/records.ts'
import { readCertificate } from '../../pki/x509/certificate.ts'
import { validatePath, type Anchor } from '../../pki/x509/path.ts'
import { reasonOf } from '../../reason.ts'
import { namesakesOf } from '../../identity/claim-certificate.ts'
import type { WorkEnv } from '../work.ts'

const PATIENCE = 30_000

/**
 * Hands each record to the object of its device. Certificates are claimed first: one that another enrolment
 * owns is left out. The directory has the rows before the items count as applied.
 */
export async function moveDevices(
  env: WorkEnv,
  items: readonly MoveItem[],
): Promise<ReadonlyMap<string, ItemEnd>> {
  const records = items.map(({ data }) => readMovedDevice(data))
  return new Map(
    (await moveRecords(env, records, { isRepeated: true })).map(({ id, moved }) => [
      id,
      { outcome: moved?.outcome ?? 'failed' },
    ]),
  )
}

/**
 * The answer of each record's object; none if it did not answer. `isRepeated`: the caller repeats the records
 * if this throws, so the objects need not hear that their rows are stored.
 */
export async function moveRecords(
  env: Pick<WorkEnv, 'DB' | 'DEVICE'>,
  records: readonly MovedDevice[],
  { isRepeated = false } = {},
): Promise<readonly { readonly id: string; readonly moved: MovedIn | undefined }[]> {
  const anchors = (await authorityAnchors(env.DB)).map((one) => ({ ...one, row: 'moved' as const }))
  const bound = records.flatMap(({ id, bindings = [] }) =>
    bindings.map(({ fingerprint }) => ({ fingerprint, device: id })),
  )
  const owners = bound.length > 0 ? await claimMoved(env.DB, bound) : new Map<string, string>()
  for (const { fingerprint, device } of bound) {
    const owner = owners.get(fingerprint)
    if (owner !== undefined && owner !== device) {
      warn('move:device', { device, reason: `its certificate belongs to ${owner}: it is unproven` })
    }
  }
  const called = await calledIds(
    env.DB,
    records.map(({ id }) => id),
  )
  const answers = await Promise.all(
    records.map(async (record) => {
      const identities = record.bindings
        ?.filter(({ fingerprint }) => owners.get(fingerprint) === record.id)
        .map((binding) => identityOf(binding, anchors))
      const namesakes = called.includes(record.id) ? await namesakesOf(env, record.id) : undefined
      return {
        id: record.id,
        moved: await handOver(env, { record, identities, namesakes, isRepeated }),
      }
    }),
  )
  const taken = answers.flatMap(({ id, moved }) => (moved ? [{ id, ...moved }] : []))
  const rows = taken.flatMap(({ row }) => (row ? [row] : []))
  await (isRepeated ? storeRows(env, rows) : projectRows(env, rows))
  await keepMovedClaims(
    env.DB,
    taken.flatMap(({ id: device, claims: { users, version } }) =>
      users.map((id) => ({ id, device, version })),
    ),
  )
  return answers
}

/** If D1 refuses one of them, each is stored alone. */
async function storeRows(
  env: Pick<WorkEnv, 'DB' | 'DEVICE'>,
  rows: readonly DirectoryRow[],
): Promise<void> {
  try {
    await project(env.DB, rows)
  } catch {
    await projectRows(env, rows)
  }
}

async function handOver(env: Pick<WorkEnv, 'DEVICE'>, order: MoveIn): Promise<MovedIn | undefined> {
  const { id } = order.record
  try {
    const moved = await inTime(PATIENCE, env.DEVICE.getByName(id).moveIn(order))
    for (const reason of moved.odd) {
      warn('move:device', { device: id, reason })
    }
    return moved
  } catch (error) {
    warn('move:device', { device: id, reason: reasonOf(error) })
    return undefined
  }
}

/** Without the certificate itself, or its CA, its chain is checked at its first message. */
function identityOf(
  { fingerprint, certificate }: MovedBinding,
  anchors: readonly Anchor[],
): MovedIdentity {
  if (certificate !== undefined) {
    const leaf = readCertificate(new Uint8Array(Buffer.from(certificate, 'base64')))
    const path = validatePath(leaf, [], anchors, clock.now())
    if (path.ok && leaf.fingerprint === fingerprint) {
      const { subject, notAfter } = leaf
      return { fingerprint, caKey: path.caKeyId, subject, notAfter }
    }
  }
  return { fingerprint, caKey: '', subject: '', notAfter: 0 }
}
