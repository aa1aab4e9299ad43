import { tryToRead } from '../../plist/error.ts'
import { stringAt } from '../../plist/dict.ts'
import { readPlistTop } from '../../plist/read.ts'
import type { MovedCommand } from '../moved.ts'
import { base64Of, type FleetNotes, keep, remark } from './notes.ts'
import type { CommandRecord, QueueRecord } from './records.ts'
import type { Row } from './tables.ts'

const UUID = 'CommandUUID'
const UUID_ALONE: ReadonlySet<string> = new Set([UUID])
const NANOSECONDS = 1_000_000n

/**
 * The commands that wait in a queue of mdm.DeviceCommands, in the order in which MicroMDM sends them: the
 * pending ones, then those that were answered with NotNow (github.com/micromdm/micromdm,
 * platform/queue/queue.go). Devices answer by the UUID in the payload, so that one counts. A payload without
 * one is kept, and is no command.
 */
export function commandsOf({ key, record }: Row<QueueRecord>, notes: FleetNotes): MovedCommand[] {
  const { pending, notNow } = record
  return [
    ...pending.flatMap((command) => commandOf(key, command, false, notes)),
    ...notNow.flatMap((command) => commandOf(key, command, true, notes)),
  ]
}

function commandOf(
  key: string,
  { uuid, payload, createdAt }: CommandRecord,
  notNow: boolean,
  notes: FleetNotes,
): MovedCommand[] {
  const inside = tryToRead(() => stringAt(readPlistTop(payload, UUID_ALONE), UUID))
  if (!inside) {
    const text = `The command ${JSON.stringify(uuid)} is no property list with a ${UUID}.`
    remark(notes, 'bad_payload', key, text)
    keep(notes, 'command', `${key} ${uuid}`, payload)
    return []
  }
  if (inside !== uuid) {
    const text =
      `The command ${JSON.stringify(uuid)} has the ${UUID} ${JSON.stringify(inside)} inside, ` +
      'which is the one that the device answers.'
    remark(notes, 'uuid_differs', key, text)
  }
  return [
    {
      uuid: inside,
      payload: base64Of(payload),
      queuedAt: millisecondsOf(createdAt),
      notNow,
    },
  ]
}

/** Milliseconds since 1970 of MicroMDM's nanoseconds; 0 for none. */
export function millisecondsOf(nanoseconds: bigint): number {
  return nanoseconds > 0n ? Number(nanoseconds / NANOSECONDS) : 0
}
