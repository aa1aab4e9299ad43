/** Compares the parts of a fleet with each other. */
import type { MovedDevice } from '../moved.ts'
import { type FleetNotes, listed, remark } from './notes.ts'
import type { DeviceTables } from './tables.ts'

/** Two devices with one serial number: a logic board was replaced, perhaps, and the device has a new UDID. */
export function checkSerials(devices: readonly MovedDevice[], notes: FleetNotes): void {
  const bySerial = Map.groupBy(devices, ({ facts }) => facts?.SerialNumber ?? '')
  bySerial.delete('')
  for (const [serial, owners] of bySerial) {
    if (owners.length > 1) {
      const ids = listed(owners.map(({ id }) => id))
      remark(notes, 'serial_shared', serial, `More than one device has this serial number: ${ids}.`)
    }
  }
}

/**
 * A push reaches a device under the topic of its own TokenUpdate only.
 *
 * @param certified the topic of the push certificate in the file
 */
export function checkTopics(
  devices: readonly MovedDevice[],
  certified: string | undefined,
  notes: FleetNotes,
): void {
  const topics = Map.groupBy(
    devices.flatMap(({ id, channels }) => channels.map(({ topic }) => ({ id, topic }))),
    ({ topic }) => topic,
  )
  topics.delete('')
  const byUse = [...topics].toSorted(([, one], [, other]) => other.length - one.length)
  const expected = certified ?? byUse[0]?.[0]
  for (const [topic, users] of byUse.filter(([one]) => one !== expected)) {
    const ids = listed([...new Set(users.map(({ id }) => id))])
    const rest = certified === undefined ? 'Most devices have' : 'The push certificate has'
    const text = `This is the push topic of ${ids}. ${rest} ${expected}.`
    remark(notes, 'topic_differs', topic, text)
  }
}

/** MicroMDM finds a device's record by an index of UDIDs and serial numbers. */
export function checkIndex({ devices, deviceIndex }: DeviceTables, notes: FleetNotes): void {
  const records = new Map(devices.map(({ key, record }) => [key, record]))
  for (const [id, key] of deviceIndex) {
    const record = records.get(key)
    if (record === undefined) {
      remark(notes, 'index_differs', id, 'MicroMDM’s index of devices names a record that is gone.')
    } else if (record.udid !== id && record.facts.SerialNumber !== id) {
      const other = record.udid || record.facts.SerialNumber
      const text = `MicroMDM’s index of devices names the record of ${other} for it.`
      remark(notes, 'index_differs', id, text)
    }
  }
  for (const { record } of devices) {
    if (record.udid !== '' && !deviceIndex.has(record.udid)) {
      const text =
        'MicroMDM’s index of devices lacks it, so that MicroMDM no longer updates its record.'
      remark(notes, 'index_differs', record.udid, text)
    }
  }
}
