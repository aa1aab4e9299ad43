/** Reads the buckets that are not about devices. */
import { checkPushCertificate } from '../../pki/x509/push-certificate.ts'
import type { BoltBucket } from '../bolt/bolt.ts'
import type { FlatBlueprint } from '../../blueprints/flat.ts'
import { base64Of, type FleetNotes, remark } from './notes.ts'
import { readBlueprintRecord, readConfigRecord, readProfileRecord } from './records.ts'
import { asItIs, checkKeys, rowsOf, textOfBytes } from './tables.ts'

export interface MovedProfile {
  readonly identifier: string
  /** Base64 of a profile, signed or not. */
  readonly mobileconfig: string
}

/** As an admin uploaded them. */
export interface MovedPushCertificate {
  readonly certificate: string
  readonly key: string
}

export interface ServerParts {
  readonly pushCertificate: MovedPushCertificate | undefined
  /** That of the push certificate, if it is a good one. */
  readonly topic: string | undefined
  readonly profiles: readonly MovedProfile[]
  readonly blueprints: readonly FlatBlueprint[]
  /** SCEP challenges that were not used. */
  readonly challenges: readonly string[]
}

/** The buckets that MicroMDM makes when it starts, unless it has its queues in memory. */
const BUCKETS = [
  'mdm.Devices',
  'mdm.DeviceIdx',
  'mdm.PushInfo',
  'mdm.UDIDCertAuth',
  'mdm.DeviceCommands',
  'mdm.Users',
  'mdm.UserIdx',
  'mdm.RemoveDevice',
  'mdm.ServerConfig',
  'mdm.Profile',
  'mdm.Blueprint',
  'mdm.BlueprintIdx',
  'mdm.DEPConfig',
  'mdm.DEPAutoAssign',
  'scep_certificates',
]
/** Those that it makes when it needs them. */
const LATER_BUCKETS = ['mdm.DEPToken', 'scep_challenges']

/** @param now the push certificate has to be valid at it, in milliseconds since 1970 */
export function readServerParts(root: BoltBucket, now: number, notes: FleetNotes): ServerParts {
  checkBuckets(root, notes)
  const profiles = rowsOf(root, 'mdm.Profile', readProfileRecord)
  const blueprints = rowsOf(root, 'mdm.Blueprint', readBlueprintRecord)
  checkKeys(notes, 'mdm.Profile', profiles, ({ id }) => id)
  checkKeys(notes, 'mdm.Blueprint', blueprints, ({ uuid }) => uuid)
  return {
    ...readPushCertificateRow(root, now, notes),
    profiles: profiles.map(({ key, record }) => ({
      identifier: key,
      mobileconfig: base64Of(record.mobileconfig),
    })),
    blueprints: blueprints.map(({ key, record }) => ({ ...record, uuid: key })),
    challenges: rowsOf(root, 'scep_challenges', asItIs).map(({ key }) => key),
  }
}

function readPushCertificateRow(
  root: BoltBucket,
  now: number,
  notes: FleetNotes,
): Pick<ServerParts, 'pushCertificate' | 'topic'> {
  const row = rowsOf(root, 'mdm.ServerConfig', readConfigRecord).find(({ key }) => key === 'config')
  if (row === undefined) {
    return { pushCertificate: undefined, topic: undefined }
  }
  const pushCertificate = {
    certificate: textOfBytes(row.record.certificate),
    key: textOfBytes(row.record.key),
  }
  const check = checkPushCertificate(pushCertificate.certificate, pushCertificate.key, now)
  if (!check.ok) {
    const text = `It cannot be used: ${check.error}.`
    remark(notes, 'bad_push_certificate', 'mdm.ServerConfig', text)
  }
  return { pushCertificate, topic: check.ok ? check.topic : undefined }
}

function checkBuckets(root: BoltBucket, notes: FleetNotes): void {
  for (const name of BUCKETS.filter((bucket) => !root.buckets.has(bucket))) {
    const text =
      name === 'mdm.DeviceCommands'
        ? 'MicroMDM ran with -queue inmem: commands that wait are in its memory, not in the file.'
        : 'MicroMDM 1.13.1 makes this bucket when it starts: start it once, if the file is of an older one.'
    remark(notes, 'missing_bucket', name, text)
  }
  const known = new Set([...BUCKETS, ...LATER_BUCKETS])
  for (const [name, { entries, buckets }] of root.buckets) {
    if (!known.has(name)) {
      const text = `MicroMDM 1.13.1 has no bucket of this name: its ${entries.length} values are not read.`
      remark(notes, 'unknown_bucket', name, text)
    }
    for (const inner of known.has(name) ? buckets.keys() : []) {
      const text = `MicroMDM 1.13.1 has no bucket in ${name}: what is in this one is not read.`
      remark(notes, 'unknown_bucket', `${name}/${inner}`, text)
    }
  }
}
