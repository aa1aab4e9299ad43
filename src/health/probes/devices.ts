import { clock, inTime, withPauses } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { pushCertificateInUse } from '../../device/push/certificate.ts'
import type { DeviceInspection } from '../../device/runtime/inspect.ts'
import { sampleDevices, type SampledDevice } from '../../directory/health/sample.ts'
import type { Env } from '../../env.ts'
import { reasonOf } from '../../reason.ts'
import { failed, KEY_BACK } from '../finding.ts'
import { troubleWith, type ProbeOutcome } from './outcome.ts'

export interface DeviceSample {
  readonly size: number
  /** Sets alarms again, and announces rows anew. */
  readonly repair: boolean
}

/** The free plan allows 50 calls for a request. */
export const MOST_SAMPLED = 20
const AT_ONCE = 6
const PATIENCE = 10_000
/** A new row may be on its way for so long; one that was lost is sent again within an hour. */
const MINUTE = 60_000
const HOUR = 3_600_000
/** Devices that a finding names. */
const SHOWN = 5
const REPAIR = 'POST /api/health/probes/devices with {"repair": true} puts it right'
const REPAIRED = 'this probe has put it right: ask again in a minute'

const SILENT = { text: 'devices do not answer', fix: 'ask again; if it stays, look at the log' }

type Inspected = SampledDevice & { readonly found: DeviceInspection }
type Facts = { readonly now: number; readonly topic: string; readonly keyIds: readonly string[] }

interface DeviceFault {
  readonly id: string
  readonly text: string
  /** `undefined`: the probe can repair it. */
  readonly fix?: string
  readonly hasIt: (device: Inspected, facts: Facts) => boolean
}

const FAULTS: readonly DeviceFault[] = [
  {
    id: 'devices.alarms',
    text: 'have work and no alarm: it waits until they connect by themselves',
    hasIt: ({ found }) => found.dueAt !== undefined && found.alarmAt === undefined,
  },
  {
    id: 'devices.seal',
    text: 'keep values that are sealed with a key that is not there',
    fix: KEY_BACK,
    hasIt: ({ found }, { keyIds }) => found.sealKeys.some((key) => !keyIds.includes(key)),
  },
  {
    id: 'devices.rows',
    text: 'are in the list, and their objects hold no device',
    fix: 'delete them from the list: DELETE /api/devices/{id}; a device that is there enrols again',
    hasIt: ({ row, found }) => row !== undefined && found.row === undefined,
  },
  {
    id: 'devices.rows',
    text: 'are not in the list, or it says something else than their objects',
    hasIt: (device, { now }) => isListedWrong(device, now),
  },
  {
    id: 'push.topic',
    text: 'enrolled with another topic than that of the push certificate: no push reaches them',
    fix: 'install the certificate of their topic (docs/push-certificate.md), or let them enrol again',
    hasIt: ({ found }, { topic }) => found.topic !== '' && topic !== '' && found.topic !== topic,
  },
]

/** Compares some devices of the list with their objects. */
export async function probeDevices(
  env: Env,
  config: Config,
  { size, repair }: DeviceSample,
): Promise<ProbeOutcome> {
  const { devices, of } = await sampleDevices(env.DB, size)
  const { inspected, errors } = await inspectAll(env, devices)
  const now = clock.now()
  const { topic } = await pushCertificateInUse(env, config, now)
  const facts = { now, topic, keyIds: config.sealer.keyIds }
  const faults = FAULTS.map((fault) => ({
    fault,
    ids: inspected.filter((one) => fault.hasIt(one, facts)).map(({ id }) => id),
  })).filter(({ ids }) => ids.length > 0)
  const repaired = repair
    ? new Set(faults.flatMap(({ fault, ids }) => (fault.fix === undefined ? ids : [])))
    : []
  await withPauses([...repaired], AT_ONCE, (id) => env.DEVICE.getByName(id).repair())
  const findings = faults.map(({ fault: { id, text, fix }, ids }) => ({
    id,
    ...failed(
      `${ids.length} of ${inspected.length} devices ${text}: ${shown(ids)}`,
      fix ?? (repair ? REPAIRED : REPAIR),
    ),
  }))
  const silent = errors
    .slice(0, 1)
    .flatMap((reason) => troubleWith('devices', reason, SILENT).findings)
  return {
    seen: `looked at ${inspected.length} of ${of} devices`,
    findings: [...silent, ...findings],
  }
}

async function inspectAll(env: Env, devices: readonly SampledDevice[]) {
  const errors: string[] = []
  const inspected = await withPauses(devices, AT_ONCE, async (device): Promise<Inspected[]> => {
    try {
      const found = await inTime(PATIENCE, env.DEVICE.getByName(device.id).inspect())
      return [{ ...device, found }]
    } catch (error) {
      errors.push(reasonOf(error))
      return []
    }
  })
  return { inspected: inspected.flat(), errors }
}

function isListedWrong({ row, found }: Inspected, now: number): boolean {
  if (!found.row || now - found.row.version < MINUTE) {
    return false
  }
  const { version, state, serial } = found.row
  if (row?.version === version) {
    return row.state !== state || row.serial !== serial
  }
  const isUnderWay = found.projected < version && now - version < HOUR
  return !(row && row.version < version && isUnderWay)
}

function shown(ids: readonly string[]): string {
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : ''
  return ids.slice(0, SHOWN).join(', ') + more
}
