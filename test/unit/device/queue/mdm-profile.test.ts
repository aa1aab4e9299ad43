import { expect, it } from 'vitest'
import { mdmProfilesOut } from '../../../../src/device/queue/mdm-profile.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { TestObject } from '../object.ts'
import { authenticateAs, DEVICE, idle, queue, say, tokenUpdate } from '../say.ts'

const MDM = '<dict><key>PayloadType</key><string>com.apple.mdm</string></dict>'
const profileOf = (content: string): string =>
  `<dict><key>PayloadContent</key><array>${content}</array></dict>`

it.each([
  ['as we would write it', `<plist>${profileOf(MDM)}</plist>`, true],
  ['without <plist>, behind an empty line', `\n${profileOf(MDM)}`, true],
  ['with text that XML does not allow', profileOf(`<string>\u001b</string>${MDM}`), true],
  ['beside a value of no meaning', profileOf(`<date>never</date>${MDM}`), true],
  ['not at all', profileOf('<string>com.apple.mdm</string>'), false],
])(
  'a profile with an MDM payload is recognised as leniently as a device may read it: %s',
  (_, text, isKnown) => {
    const object = new TestObject()
    say(object, authenticateAs('SERIAL'))
    say(object, tokenUpdate(DEVICE))
    const payload = writePlist({ Command: { Payload: new TextEncoder().encode(text) } })
    queue(object, 'profile', 'InstallProfile', { payload })
    say(object, idle(DEVICE))
    expect(object.commit(mdmProfilesOut)).toEqual(isKnown ? ['profile'] : [])
  },
)
