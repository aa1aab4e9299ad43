import { expect, it } from 'vitest'
import { admission, type PushCircuit } from '../../../src/device/push-gate.ts'
import { admit, newCircuit, record, type Circuit } from '../../../src/push/circuit.ts'

const MINUTE = 60_000

it('an open push circuit lets a single push through to test the cause, also when many objects of an isolate ask', async () => {
  const refused = {
    channel: 'device',
    verdict: { kind: 'configuration', reason: 'BadCertificate' },
    delivered: 0,
    epoch: 0,
  } as const
  let circuit: Circuit = record(newCircuit('certificate', 0), refused, 0)
  let now = 0
  const settings = {
    topic: '',
    certificateId: 'certificate',
    apns: undefined,
    circuit: {
      inUse: async () => undefined,
      async gate() {
        const { allowed, circuit: next } = admit(circuit, now)
        circuit = next
        const { detail, until = 0 } = next.open ?? {}
        return {
          admitted: allowed,
          gate: { open: detail, until, epoch: next.epoch, blames: false },
        }
      },
      record: () => Promise.reject(new Error('nothing is sent')),
    } satisfies PushCircuit,
  }
  const admitted = async (): Promise<number> => {
    let count = 0
    for (let asked = 0; asked < 100; asked++) {
      now += 100
      count += Number((await admission(settings, now)).admitted)
    }
    return count
  }
  expect(await admitted()).toBe(0)
  now = 15 * MINUTE
  expect(await admitted()).toBe(1)
})
