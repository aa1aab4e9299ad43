import { beforeEach, describe, expect, it, vi } from 'vitest'
import { clock } from '../../../../src/clock.ts'
import {
  admitPush,
  sendPush,
  type CircuitState,
  type PushCircuit,
  type PushSettings,
} from '../../../../src/device/push/gate.ts'
import type { PushReport } from '../../../../src/push/circuit.ts'

const NONE: CircuitState = { open: undefined, until: 0, epoch: 0, blames: false }
const MINUTE = 60_000

let certificates = 0
let gate: CircuitState
let asked: (readonly string[] | undefined)[]
let told: PushReport[]
let settings: PushSettings

function apnsOf(answer: () => Promise<Response>): PushSettings['apns'] {
  return { fetch: answer }
}

const answered = (status: number, reason?: string): Response =>
  new Response(reason === undefined ? null : JSON.stringify({ reason }), {
    status,
    headers: { 'apns-id': 'x' },
  })

beforeEach(() => {
  gate = NONE
  asked = []
  told = []
  const circuit: PushCircuit = {
    inUse: async () => undefined,
    async gate(_, __, proven) {
      asked.push(proven)
      return gate
    },
    async record(_, one) {
      told.push(one)
      return gate
    },
    state: async () => gate,
  }
  // A new certificate makes the isolate's memory void.
  settings = {
    topic: 'topic',
    certificateId: `certificate ${++certificates}`,
    circuit,
    apns: apnsOf(async () => answered(200)),
  }
})

function push(device: string, apns = settings.apns): Promise<unknown> {
  const target = {
    user: '',
    token: new Uint8Array(32),
    magic: 'magic',
    topic: 'topic',
    flag: '',
    flagEpoch: 0,
  }
  return sendPush({ ...settings, apns }, target, { id: 'x', device, now: 0, epoch: 0 })
}

describe('an open push circuit', () => {
  it('holds pushes back until its time is over, without a second call', async () => {
    gate = { ...NONE, open: 'BadCertificate', until: 5 * MINUTE }
    for (const device of ['A', 'B', 'C']) {
      expect((await admitPush(settings, device, 0)).admitted).toBe(false)
    }
    expect(asked).toHaveLength(1)
    expect((await admitPush(settings, 'A', 5 * MINUTE)).admitted).toBe(true)
  })

  it('holds back the devices that it names, and no other', async () => {
    gate = { ...NONE, open: 'timed out', until: MINUTE, held: ['A'] }
    expect((await admitPush(settings, 'A', 0)).admitted).toBe(false)
    expect((await admitPush(settings, 'B', 0)).admitted).toBe(true)
    expect(asked).toHaveLength(1)
  })
})

describe('a report to the circuit', () => {
  it('counts the successes, and names one channel each of a few devices', async () => {
    await admitPush(settings, 'A', 0)
    for (let n = 0; n < 45; n++) {
      await push(`device ${n % 30}`)
    }
    expect(told).toEqual([])
    await push(
      'bad',
      apnsOf(async () => answered(400, 'BadDeviceToken')),
    )
    const proven = Array.from({ length: 20 }, (_, n) => `device ${n}:`)
    expect(told).toMatchObject([{ channel: 'bad:', delivered: 45, proven }])
  })

  it('says of a push without an answer whether others were answered meanwhile', async () => {
    await admitPush(settings, 'A', 0)
    const hanging = Promise.withResolvers<Response>()
    let now = 0
    vi.spyOn(clock, 'now').mockImplementation(() => now)
    const slow = push(
      'slow',
      apnsOf(() => hanging.promise),
    )
    await push(
      'quick',
      apnsOf(async () => answered(503, 'ServiceUnavailable')),
    )
    now = 10_000
    hanging.reject(new Error('timed out'))
    await slow
    await push(
      'next',
      apnsOf(() => Promise.reject(new Error('reset'))),
    )
    vi.restoreAllMocks()
    expect(told.slice(1)).toMatchObject([
      { channel: 'slow:', verdict: { kind: 'transport' }, othersAnswered: true },
      { channel: 'next:', verdict: { kind: 'transport' }, othersAnswered: false },
    ])
  })
})

it('a push is sent again at once if its connection broke, and not if no answer came in time', async () => {
  const attempts = async (ms: number): Promise<number> => {
    let calls = 0
    let now = 0
    vi.spyOn(clock, 'now').mockImplementation(() => now)
    await push(
      'A',
      apnsOf(async () => {
        calls += 1
        now += ms
        throw new Error('no answer')
      }),
    )
    vi.restoreAllMocks()
    return calls
  }
  expect(await attempts(10_000)).toBe(1)
  expect(await attempts(5)).toBe(2)
})

it('a refused topic that only its device named counts against the device, not the certificate', async () => {
  const disallowed = apnsOf(async () => answered(400, 'TopicDisallowed'))
  await push('A', disallowed)
  settings = { ...settings, topic: '' }
  await push('A', disallowed)
  expect(told.map(({ verdict }) => verdict.kind)).toEqual(['configuration', 'token_refused'])
})
