/** A device that is enrolled, and others that enrol with its id. */
import { writePlist } from '../../../src/plist/write.ts'
import { TestObject } from './object.ts'
import { authenticateAs, DEVICE, say, setBootstrapToken, tokenUpdate, user } from './say.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const SECRET = { secret: true }
export const token = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

/** The payload of an InstallProfile that gives the device an identity. */
export const MDM_PROFILE = writePlist({
  Command: { Payload: writePlist({ PayloadContent: [{ PayloadType: 'com.apple.mdm' }] }) },
})

/** A is enrolled, and its user ADA. */
export function enrolled(): TestObject {
  const object = new TestObject()
  enrol(object, 'A')
  say(object, tokenUpdate(user('ADA')))
  say(object, setBootstrapToken('of A'))
  return object
}

/** Who enrols is told by its certificate, and its token begins with the same letter. */
export function enrol(object: TestObject, who: string, serial = 'SERIAL'): void {
  say(object, authenticateAs(serial), who)
  say(object, tokenUpdate(DEVICE, { token: token(who.charCodeAt(0)) }), who)
}

export const contest = (object: TestObject) => object.commit(({ state }) => state.device.contest)
