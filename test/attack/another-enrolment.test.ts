/**
 * I1. No message of a device, and no identity that a stranger can obtain, makes something that is meant for
 * another enrolment reach the sender, change the other, or block it, unless an admin approved it or the
 * identity is proven for that id.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contestedAttacks } from './another-enrolment/contested.ts'
import { idAttacks } from './another-enrolment/ids.ts'
import { strangerAttacks } from './another-enrolment/strangers.ts'
import { upstreamAttacks } from './another-enrolment/upstream.ts'
import { claimAttacks, userAttacks } from './another-enrolment/users.ts'
import { PASSWORD, PIN, waitingAttacks } from './another-enrolment/waiting.ts'
import { openScene, type Scene } from './scene.ts'

let scene: Scene
const now = (): Scene => scene
afterAll(() => scene.close())

function printsNoSecret(): void {
  it('its output holds no secret of a command', () => {
    const output = scene.server.output()
    expect(output).toContain('EdgeMDM ready on')
    expect(new RegExp(`(?<!\\d)${PIN}(?!\\d)|${PASSWORD}`).exec(output)).toBeNull()
  })
}

describe('a server as it comes', () => {
  beforeAll(async () => {
    scene = await openScene()
  })
  waitingAttacks(now)
  userAttacks(now)
  upstreamAttacks(now)
  idAttacks(now)
  strangerAttacks(now)
  contestedAttacks(now)
  printsNoSecret()
})

describe('a server with an enrolment token and no trust on first use', () => {
  beforeAll(async () => {
    await scene.close()
    scene = await openScene({ ENROLL_TOKEN: 'open sesame', TRUST_ON_FIRST_USE: 'false' })
  })
  waitingAttacks(now)
  claimAttacks(now)
  printsNoSecret()
})
