import { newChannel, readChannelsInUse } from './channel-row.ts'
import type { Db } from '../../storage/db.ts'
import { loadDevice, newDevice } from './device-row.ts'
import { loadIdentities } from './identity-row.ts'
import { lastEvent } from './events.ts'
import { hasTables } from './schema.ts'
import type { DeviceState } from './state.ts'

/** Reads the object's rows. An object that stored nothing yet has no tables until its first commit. */
export function loadState(db: Db, name: string): DeviceState {
  const state: DeviceState = {
    device: newDevice(name),
    channels: [newChannel(0, '')],
    identities: [],
    cursors: undefined,
    queues: new Map(),
    notifiedUntil: new Map(),
    unansweredPushes: new Map(),
    connectedAt: new Map(),
    keptPushedAt: 0,
    lastMessageAt: 0,
    lastSeq: 0,
    pruned: false,
  }
  if (!hasTables(db)) {
    return state
  }
  Object.assign(state.device, loadDevice(db, name))
  for (const channel of readChannelsInUse(db)) {
    state.channels[channel.id === 0 ? 0 : state.channels.length] = channel
  }
  for (const identity of loadIdentities(db)) {
    state.identities.push(identity)
  }
  state.lastSeq = lastEvent(db)
  return state
}
