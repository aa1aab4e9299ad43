/** What of a device's record the server can take. The rest stays as it came. */
import { Buffer } from 'node:buffer'
import { readRawCommand } from '../../commands/raw.ts'
import { mayBeDestructive } from '../../commands/request-types.ts'
import type { MovedChannel, MovedCommand, MovedDevice } from '../../migration/moved.ts'
import { MOST } from '../../migration/records.ts'

/** Something odd, for an admin. */
export interface Remark {
  /** A word for programs. */
  readonly what: string
  readonly about: string
  readonly detail: string
}

/** A command of a device that moves. */
export interface PlannedCommand {
  readonly device: string
  readonly user: string
  readonly uuid: string
  readonly requestType: string
  /** Milliseconds; 0 if it is not known. */
  readonly queuedAt: number
  /** It is released by its id alone. */
  readonly alone: boolean
}

/** Bytes that stay as they came. */
export interface KeptBytes {
  readonly kind: string
  readonly name: string
  readonly data: Uint8Array
}

export interface FittedDevice {
  readonly record: MovedDevice
  readonly commands: readonly PlannedCommand[]
  readonly kept: readonly KeptBytes[]
  readonly odd: readonly Remark[]
}

/** Of a record's commands, in base64. The record is base64 once more in a request, of 20 MB at most. */
const COMMAND_CHARACTERS = 10_000_000

/** Leaves out commands that no device could read, and what is beyond the bounds of the API. */
export function fitDevice(device: MovedDevice): FittedDevice {
  const [commands, kept, odd]: [PlannedCommand[], KeptBytes[], Remark[]] = [[], [], []]
  let characters = 0
  const leave = (user: string, { uuid, payload }: MovedCommand, why: string): void => {
    const about = user === '' ? device.id : `${device.id}:${user}`
    const detail = `The command ${uuid} stays as it came: ${why}.`
    odd.push({ what: 'command_left', about, detail })
    kept.push({ kind: 'command', name: `${about} ${uuid}`, data: Buffer.from(payload, 'base64') })
  }
  const fit = (channel: MovedChannel): MovedChannel => {
    const taken: MovedCommand[] = []
    for (const command of channel.commands ?? []) {
      const read = readRawCommand(Buffer.from(command.payload, 'base64'))
      if (!read.ok) {
        leave(channel.user, command, read.error)
      } else if (
        taken.length === MOST.commands ||
        characters + command.payload.length > COMMAND_CHARACTERS
      ) {
        leave(channel.user, command, 'the device has too many')
      } else {
        const { uuid, payload, queuedAt } = command
        const { requestType } = read
        characters += payload.length
        taken.push(command)
        const alone = mayBeDestructive(requestType)
        commands.push({ device: device.id, user: channel.user, uuid, requestType, queuedAt, alone })
      }
    }
    return channel.commands ? { ...channel, commands: taken } : channel
  }
  const channels = device.channels.slice(0, MOST.channels).map(fit)
  for (const channel of device.channels.slice(MOST.channels)) {
    const detail = `Its user ${channel.user} stays as it came: a device has at most ${MOST.channels}.`
    odd.push({ what: 'user_left', about: device.id, detail })
    kept.push({
      kind: 'channel',
      name: `${device.id}:${channel.user}`,
      data: Buffer.from(JSON.stringify(channel)),
    })
  }
  return { record: { ...device, channels }, commands, kept, odd }
}
