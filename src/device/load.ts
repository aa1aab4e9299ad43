import { NO_FACTS } from '../mdm/message.ts'
import type { Db } from './db.ts'
import { loadIdentities } from './identity-row.ts'
import { newInstalled } from './installed.ts'
import { passedBy } from './listeners.ts'
import { hasTables } from './schema.ts'
import {
  newChannel,
  readPushNote,
  type Channel,
  type DeviceRow,
  type DeviceState,
} from './state.ts'

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
    cursors: new Map(),
    queues: new Map(),
    attention: new Map(),
    rung: new Map(),
    came: new Map(),
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
  loadChannels(db, state)
  for (const identity of loadIdentities(db)) {
    state.identities.push(identity)
  }
  const [last] = db.all<{ seq: number | null }>('SELECT max(seq) AS seq FROM events')
  state.lastSeq = last?.seq ?? 0
  for (const { subscriber, seq } of db.all<{ subscriber: string; seq: number }>(
    'SELECT subscriber, seq FROM cursors',
  )) {
    state.cursors.set(subscriber, passedBy(db, subscriber, seq) ?? state.lastSeq)
  }
  return state
}

function loadChannels(db: Db, state: DeviceState): void {
  type Stored = Omit<
    Channel,
    'token' | 'enabled' | 'awaitingConfiguration' | 'declarations' | 'push'
  > & {
    push: string
    token: ArrayBuffer | Uint8Array | null
    enabled: number
    awaitingConfiguration: number
    declarations: string
  }
  for (const row of db.all<Stored>(
    `SELECT id, user, enabled, token, token_at AS tokenAt, magic, topic, tally, awaiting_configuration AS awaitingConfiguration,
      claim, flag, flag_epoch AS flagEpoch, pushed_at AS pushedAt,
      push_after AS pushAfter, push, declarations FROM channels ORDER BY id`,
  )) {
    state.channels[row.id] = {
      ...row,
      token: row.token === null ? null : new Uint8Array(row.token),
      enabled: row.enabled === 1,
      awaitingConfiguration: row.awaitingConfiguration === 1,
      declarations: JSON.parse(row.declarations),
      push: readPushNote(row.push),
    }
  }
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
