/** Messages as devices send them, before they are written as a property list. */
import type { PlistDict } from '../../src/plist/value.ts'

export const IDLE: PlistDict = { Status: 'Idle' }

export const authenticate = (Topic: string, fields: PlistDict = {}): PlistDict => ({
  MessageType: 'Authenticate',
  Topic,
  ...fields,
})

export const tokenUpdate = (Topic: string, fields: PlistDict = {}): PlistDict => ({
  MessageType: 'TokenUpdate',
  Topic,
  PushMagic: 'magic',
  Token: new Uint8Array(32),
  ...fields,
})
