/**
 * I1. No message of a device, and no identity that a stranger can obtain, makes something that is meant for another enrolment
 * reach the sender, change the other, or block it, unless an admin approved it or the identity is proven for that id.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { idAttacks } from './another-enrolment/ids.ts'
import { upstreamAttacks } from './another-enrolment/upstream.ts'
import { userAttacks } from './another-enrolment/users.ts'
import { PASSWORD, PIN, waitingAttacks } from './another-enrolment/waiting.ts'
import { openScene, type Scene } from './scene.ts'

describe.each<[string, Record<string, string>]>([
  ['as it comes', {}],
  [
    'with an enrolment token and no trust on first use',
    { ENROLL_TOKEN: 'open sesame', TRUST_ON_FIRST_USE: 'false' },
  ],
])('a server %s', (_, env) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await openScene(env)
  })
  afterAll(() => scene.close())

  waitingAttacks(() => scene)
  userAttacks(() => scene)
  upstreamAttacks(() => scene)
  idAttacks(() => scene)

  it('nothing that it printed has a secret of a command in it', () => {
    const output = scene.server.output()
    expect(output).toContain('EdgeMDM ready on')
    expect(new RegExp(`(?<!\\d)${PIN}(?!\\d)|${PASSWORD}`).exec(output)).toBeNull()
  })
})
