import { NO_FACTS } from '../../mdm/message.ts'
import { newChannel, readChannels } from './channel-row.ts'
import type { Db } from '../../storage/db.ts'
import { loadIdentities } from './identity-row.ts'
import { newInstalled } from './installed.ts'
import { lastEvent } from './events.ts'
import { hasTables } from './schema.ts'
import type { DeviceRow, DeviceState } from './state.ts'

interface StoredDevice extends Omit<
  DeviceRow,
  'facts' | 'installed' | 'contest' | 'blocked' | 'hidden'
> {
  facts: string
  installed: string
  contest: string
  blocked: number
  hidden: number
}

/** Reads the object's rows; an object that stored nothing yet stays without tables until its first commit. */
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
    heardAt: 0,
    lastSeq: 0,
    pruned: false,
  }
  if (!hasTables(db)) {
    return state
  }
  const [stored] = db.all<StoredDevice>(
    `SELECT schema, name, type, state, facts, installed, epoch, blocked, hidden, namesake, contest, claimed_at AS claimedAt,
      renewed_at AS renewedAt, last_seen AS lastSeen, version, projected FROM device`,
  )
  if (stored) {
    Object.assign(state.device, stored, {
      facts: { ...NO_FACTS, ...JSON.parse(stored.facts) },
      installed: { ...newInstalled(), ...JSON.parse(stored.installed) },
      contest: stored.contest === '' ? undefined : JSON.parse(stored.contest),
      blocked: stored.blocked === 1,
      hidden: stored.hidden === 1,
    })
  }
  for (const channel of readChannels(db, 'parked = 0')) {
    state.channels[channel.id === 0 ? 0 : state.channels.length] = channel
  }
  for (const identity of loadIdentities(db)) {
    state.identities.push(identity)
  }
  state.lastSeq = lastEvent(db)
  return state
}

function newDevice(name: string): DeviceRow {
  return {
    schema: 0,
    name,
    type: 'Device',
    state: 'unknown',
    facts: NO_FACTS,
    installed: newInstalled(),
    epoch: 0,
    blocked: false,
    hidden: false,
    namesake: '',
    contest: undefined,
    claimedAt: 0,
    renewedAt: 0,
    lastSeen: 0,
    version: 0,
    projected: 0,
  }
}
