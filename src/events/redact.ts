import { isDict } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import { writePlist } from '../plist/write.ts'
import type { DeviceEvent } from './event.ts'
import { isSecretTopic } from './topics.ts'

/** What opens a device, or enrols its secure token: in check-ins, and in the answer to RequestUnlockToken. */
const TOKENS = ['UnlockToken', 'BootstrapToken']

/** The event without unlock and bootstrap tokens; a message without any stays byte for byte. */
export function redacted(event: DeviceEvent): DeviceEvent {
  if (!mayHoldToken(event)) {
    return event
  }
  try {
    const message = readPlist(event.body)
    if (!isDict(message) || !TOKENS.some((token) => token in message)) {
      return event
    }
    const rest = Object.entries(message).filter(([key]) => !TOKENS.includes(key))
    return { ...event, body: writePlist(Object.fromEntries(rest)) }
  } catch (error) {
    if (error instanceof PlistError) {
      return { ...event, body: new Uint8Array() }
    }
    throw error
  }
}

/** Reading a plist is paid for: inventories of megabytes are not read for this. */
function mayHoldToken({ topic, body }: DeviceEvent): boolean {
  return (
    body.length > 0 &&
    (isSecretTopic(topic) || TOKENS.some((token) => holds(body, token)) || isWide(body))
  )
}

/** UTF-16, in which no key would be found. */
function isWide([first, second]: Uint8Array): boolean {
  return first === 0 || second === 0 || first === 0xfe || first === 0xff
}

function holds(body: Uint8Array, text: string): boolean {
  const first = text.charCodeAt(0)
  for (let at = body.indexOf(first); at !== -1; at = body.indexOf(first, at + 1)) {
    if (Array.from(text).every((letter, n) => body[at + n] === letter.charCodeAt(0))) {
      return true
    }
  }
  return false
}
