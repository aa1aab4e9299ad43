import { expect, it } from 'vitest'
import type { Needs } from '../../../../src/device/store/commands/new-command.ts'
import { queueCommand } from '../../../../src/device/queue/enqueue.ts'
import { NO_FACTS } from '../../../../src/mdm/message.ts'
import { TestObject } from '../object.ts'
import { authenticate, DEVICE, say, tokenUpdate } from '../say.ts'

it.each(['ProductName', 'Model'])(
  'a command that the device’s OS does not support is refused if %s shows the platform',
  (key) => {
    const object = new TestObject()
    const facts = { ...NO_FACTS, [key]: 'Mac15,6', OSVersion: '27.0' }
    say(object, { ...authenticate, facts })
    say(object, tokenUpdate(DEVICE))
    const ask = (needs?: Needs) =>
      object.commit((context) =>
        queueCommand(context, '', {
          uuid: 'scan',
          requestType: 'ScheduleOSUpdateScan',
          payload: new Uint8Array(1),
          secret: false,
          source: '',
          needs,
        }),
      )
    const names = ['ScheduleOSUpdateScan']
    expect(ask({ names, otherwise: 'refuse' })).toMatchObject({
      kind: 'unsupported',
      error: expect.stringContaining('macOS 27.0 has removed'),
    })
    expect(ask({ names, otherwise: 'announce' }).kind).toBe('queued')
    expect(ask().kind).toBe('queued')
  },
)
