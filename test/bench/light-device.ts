/** A device that knows declarations and nothing else: one process holds a hundred thousand. */
import {
  type Declaration,
  readSyncToken,
} from '../../src/simulator/device/declarations/declaration.ts'
import { fetchDeclarations, type Kept } from '../../src/simulator/device/declarations/sync.ts'
import { readReceived, type ReceivedCommand } from '../../src/simulator/device/session.ts'
import { writePlist } from '../../src/plist/write.ts'
import type { PlistDict } from '../../src/plist/value.ts'
import { IDLE } from '../devices/messages.ts'
import { signatureOf, type Signer } from '../devices/signature.ts'
import { requestOf, type Answer, type Connection } from './connection.ts'

export interface LightDevice {
  readonly udid: string
  readonly signer: Signer
  readonly kept: Kept
  /** The CommandUUIDs of the commands to synchronise. */
  readonly commands: Set<string>
  /** The DeclarationsToken of the last command, until the device has reported on it. */
  offered: string | undefined
}

export function newLightDevice(udid: string, signer: Signer): LightDevice {
  const kept = { token: undefined, held: new Map() }
  return { udid, signer, kept, commands: new Set(), offered: undefined }
}

/** Whether the device has been told something, and has nothing left to do. */
export function isSynchronised({ commands, offered }: LightDevice): boolean {
  return commands.size > 0 && offered === undefined
}

/**
 * A session: the device takes its command, fetches what is new and reports it. After a failure the next call
 * goes on where this one ended.
 *
 * @throws Error when the server does not take a request, or has no command for a new device
 */
export async function synchronise(
  device: LightDevice,
  connection: Connection,
  server: URL,
): Promise<void> {
  const { udid, kept } = device
  const put = async (path: string, message: PlistDict): Promise<Answer> => {
    const body = writePlist({ UDID: udid, ...message })
    const headers = signatureOf(device.signer, body)
    const answer = await connection.send(requestOf(new URL(path, server), 'PUT', headers, body))
    if (answer.status !== 200) {
      throw new Error(`${path} of ${udid}: ${answer.status}`)
    }
    return answer
  }
  await takeCommands(device, (report) => put('/mdm/connect', report))
  if (device.offered === undefined) {
    throw new Error(`no command waits for ${udid}`)
  }
  const declare = (Endpoint: string, Data?: Uint8Array): Promise<Answer> =>
    put('/mdm/checkin', {
      MessageType: 'DeclarativeManagement',
      Endpoint,
      ...(Data && { Data }),
    })
  const ask = async (endpoint: string, data?: Uint8Array) => ({
    ...(await declare(endpoint, data)),
    contentType: null,
  })
  await fetchDeclarations(kept, ask, () => false, device.offered)
  await declare('status', reportOf([...kept.held.values()]))
  device.offered = undefined
}

async function takeCommands(
  device: LightDevice,
  connect: (report: PlistDict) => Promise<Answer>,
): Promise<void> {
  let command: ReceivedCommand | undefined
  let report = IDLE
  do {
    command = readReceived((await connect(report)).body)
    if (command?.requestType === 'DeclarativeManagement') {
      const data = command.command['Data']
      device.commands.add(command.uuid)
      device.offered = readSyncToken(data instanceof Uint8Array ? data : new Uint8Array())
    }
    report = { Status: 'Acknowledged', CommandUUID: command?.uuid ?? '' }
  } while (command)
}

/** All declarations are valid and active (Apple, "StatusReport"). */
function reportOf(held: readonly Declaration[]): Uint8Array {
  const listed = (wanted: Declaration['kind']): object[] =>
    held
      .filter(({ kind }) => kind === wanted)
      .map(({ identifier, token }) => ({
        identifier,
        'server-token': token,
        active: true,
        valid: 'valid',
      }))
  const declarations = {
    activations: listed('activation'),
    assets: listed('asset'),
    configurations: listed('configuration'),
    management: listed('management'),
  }
  const report = { StatusItems: { management: { declarations } }, Errors: [] }
  return new TextEncoder().encode(JSON.stringify(report))
}
