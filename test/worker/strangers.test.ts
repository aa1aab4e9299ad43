import { afterEach, describe, expect, it } from 'vitest'
import { readCertificate } from '../../src/pki/x509/certificate.ts'
import { writePlist } from '../../src/plist/write.ts'
import {
  createIdentity,
  createIssuer,
  type SimulatedIdentity,
} from '../../src/simulator/device/identity.ts'
import { authenticate, IDLE } from '../devices/messages.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { install, newAuthority } from './scep-client.ts'
import { counted } from './stranger-tools.ts'
import { signatureOf } from '../devices/signature.ts'
import { env, newDevice, newIdentity, TOPIC, until } from './server.ts'

const elsewhere = createIssuer({ commonName: 'CA of another server', now: new Date(clock.now()) })
const strange = (): SimulatedIdentity =>
  createIdentity({ ca: elsewhere, commonName: 'A', kind: 'ec', now: new Date(clock.now()) })
const fingerprintOf = ({ certificate }: SimulatedIdentity): string =>
  readCertificate(certificate).fingerprint
const newId = (): string => `STRANGER-${crypto.randomUUID()}`
const HOUR = 3_600_000

const joining = (UDID: string) => authenticate(TOPIC, { UDID, SerialNumber: 'S' })
const idle = (UDID: string) => ({ UDID, ...IDLE })
const bind = (identity: SimulatedIdentity, id: string): Promise<unknown> =>
  env.DB.prepare('INSERT INTO identities (fingerprint, enrollment) VALUES (?, ?)')
    .bind(fingerprintOf(identity), id)
    .run()

describe('a certificate that descends from no accepted CA', () => {
  it('reaches no object', async () => {
    const server = counted()
    for (const message of [joining(newId()), idle(newId())]) {
      expect(await server.send(strange(), message)).toBe(400)
    }
    expect(server.count.objects).toBe(0)
  })

  it('reaches no object in a proxy’s header either', async () => {
    const server = counted({ CLIENT_CERT_HEADER: 'Client-Cert' })
    const header = (identity: SimulatedIdentity) => ({
      'client-cert': `:${Buffer.from(identity.certificate).toString('base64')}:`,
    })
    const body = writePlist(joining(newId()))
    expect(await server.put(new Uint8Array(body), header(strange()))).toBe(400)
    expect(server.count.objects).toBe(0)
    expect(await server.put(new Uint8Array(body), header(newIdentity()))).toBe(200)
  })

  it('reaches the object of its enrolment, and no other', async () => {
    const server = counted()
    const [identity, id] = [strange(), newId()]
    await bind(identity, id)
    expect(await server.send(identity, idle(newId()))).toBe(400)
    expect(server.spent().objects).toBe(0)
    await server.send(identity, idle(id))
    expect(server.spent()).toMatchObject({ objects: 1 })
  })

  it('is looked up a few at a time', async () => {
    const held = Promise.withResolvers<void>()
    let answer = async (): Promise<void> => {}
    const server = counted({}, () => answer())
    expect(await server.send(strange(), idle(newId()))).toBe(400)
    answer = () => held.promise
    const many = Array.from({ length: 60 }, () => server.send(strange(), idle(newId())))
    await until(
      async () => server.count.pending,
      (pending) => pending === 4,
    )
    answer = async () => {}
    held.resolve()
    const answers = await Promise.all(many.map((one) => drained(one)))
    expect(new Set(answers)).toEqual(new Set([400, 503]))
    expect(server.count).toMatchObject({ objects: 0, mostPending: 4 })
  })

  it('is checked by its object while the directory does not answer', async () => {
    const server = counted({}, () => Promise.reject(new Error('D1 is away')))
    const identity = strange()
    expect(await server.send(identity, idle(newId()))).toBe(503)
    expect(server.count.objects).toBe(1)
    turn(60_000)
  })
})

describe('while the directory does not answer', () => {
  it('a hundred messages a minute with certificates of no known CA reach an object', async () => {
    const server = counted({}, () => Promise.reject(new Error('D1 is away')))
    const [one, known, id] = [strange(), newIdentity(), newId()]
    expect(await newDevice({ identity: known, udid: id }).enroll()).toMatchObject({ status: 200 })
    for (let n = 0; n < 130; n += 1) {
      expect(await server.send(one, idle(newId()))).toBe(503)
    }
    expect(server.spent().objects).toBe(100)
    expect(await server.send(known, idle(id))).toBe(200)
    turn(60_000)
    expect(await server.send(one, idle(newId()))).toBe(503)
    expect(server.spent().objects).toBe(2)
    turn(60_000)
  })

  it('an unknown certificate of an accepted CA reaches ten objects a minute', async () => {
    let answer = async (): Promise<void> => {}
    const server = counted({ DEVICE_CA: '' }, () => answer())
    const ca = newAuthority()
    await install(ca)
    const identity = createIdentity({
      ca: { certificate: ca.certificate, privateKey: ca.key },
      commonName: 'A',
      kind: 'ec',
      now: new Date(clock.now()),
    })
    expect(await server.send(strange(), idle(newId()))).toBe(400)
    answer = () => Promise.reject(new Error('D1 is away'))
    turn(2 * HOUR)
    for (let n = 0; n < 150; n += 1) {
      expect(await server.send(strange(), idle(newId()))).toBe(503)
    }
    expect(server.spent().objects).toBe(100)
    for (let n = 0; n < 20; n += 1) {
      expect(await server.send(identity, idle(newId()))).toBe(503)
    }
    expect(server.spent().objects).toBe(10)
    turn(60_000)
  })
})

/** Waits for an answer, and turns the clock for whatever waits for a place. */
async function drained(answer: Promise<number>): Promise<number> {
  let status = 0
  void answer.then((is) => (status = is))
  return until(
    async () => status,
    (is) => is !== 0,
    () => turnTimers(50),
  )
}

describe('a known device', () => {
  it('costs no statement when its isolate knows it, and stays managed without the directory', async () => {
    const server = counted()
    const [identity, id] = [newIdentity(), newId()]
    expect(await server.send(identity, joining(id))).toBe(200)
    server.spent()
    for (let n = 0; n < 5; n += 1) {
      expect(await server.send(identity, idle(id))).toBe(200)
    }
    expect(server.spent()).toMatchObject({ objects: 5, statements: 0 })
    turn(2 * HOUR)
    const alone = counted({ DEVICE_CA: '' }, () => Promise.reject(new Error('D1 is away')))
    expect(await alone.send(identity, idle(id))).toBe(200)
  })

  it('reaches only its own object', async () => {
    const server = counted()
    const [identity, id] = [newIdentity(), newId()]
    expect(await server.send(identity, joining(id))).toBe(200)
    server.spent()
    for (let n = 0; n < 5; n += 1) {
      expect(await server.send(identity, joining(newId()))).toBe(400)
    }
    expect(server.spent()).toMatchObject({ objects: 0, statements: 0 })
  })
})

it('an identity of no device that objects refuse reaches ten objects an hour', async () => {
  const server = counted()
  const [identity, own, others] = [newIdentity(), newId(), newId()]
  expect(await server.send(newIdentity(), joining(others))).toBe(200)
  const sendMany = async (): Promise<number> => {
    server.spent()
    for (let n = 0; n < 20; n += 1) {
      expect(await server.send(identity, idle(others))).toBe(400)
    }
    return server.spent().objects
  }
  expect(await sendMany()).toBe(10)
  turn(HOUR)
  expect(await sendMany()).toBe(10)
  await bind(identity, own)
  expect(await server.send(identity, joining(own))).toBe(200)
})

/** A body that counts what was taken of it, and ends when it is told to. */
function slowBody(pieces: number) {
  const end = Promise.withResolvers<void>()
  const taken = { bytes: 0 }
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (taken.bytes >= pieces * 100_000) {
          await end.promise
          controller.close()
        } else {
          taken.bytes += 100_000
          controller.enqueue(new Uint8Array(100_000))
        }
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, taken, end: () => end.resolve() }
}

describe('a body of more than 1 MB', () => {
  const zeros = (pieces: number) => new Uint8Array(pieces * 100_000)
  const signed = (pieces: number, identity = newIdentity()) => signatureOf(identity, zeros(pieces))

  it.each<[string, number, Record<string, string>]>([
    ['without a signature', 413, {}],
    ['with a signature that cannot be read', 413, { 'mdm-signature': btoa('nonsense') }],
    ['of a stranger', 400, signatureOf(strange(), zeros(1))],
  ])('%s is not read', async (_, status, headers) => {
    const told = slowBody(190)
    const length = { 'content-length': '19000000' }
    expect(await counted().put(told.stream, { ...headers, ...length })).toBe(status)
    expect(told.taken.bytes).toBe(0)
    const untold = slowBody(190)
    expect(await counted().put(untold.stream, headers)).toBe(status)
    expect(untold.taken.bytes).toBeLessThanOrEqual(1_200_000)
  })

  it('of more than 20 MB is not read, or only up to 20 MB', async () => {
    const headers = signed(1)
    const told = slowBody(190)
    const length = { 'content-length': '20000001' }
    expect(await counted().put(told.stream, { ...headers, ...length })).toBe(413)
    expect(told.taken.bytes).toBe(0)
    const untold = slowBody(300)
    expect(await counted().put(untold.stream, headers)).toBe(413)
    expect(untold.taken.bytes).toBeLessThanOrEqual(20_200_000)
  })

  it('is read to its end, and accepted', async () => {
    const device = newDevice()
    await device.enroll()
    const answer = await device.connect({
      Status: 'Idle',
      Filler: 'A'.repeat(2_000_000),
    } as never)
    expect(answer.status).toBe(200)
  })

  it('is read beside three others; more wait until one is done', async () => {
    const server = counted()
    const bodies = Array.from({ length: 5 }, () => slowBody(20))
    const answers = bodies.map(({ stream }) => server.put(stream, signed(20)))
    const taken = (): number[] => bodies.map(({ taken: { bytes } }) => bytes)
    await until(
      async () => taken().filter((bytes) => bytes === 2_000_000),
      (full) => full.length === 4,
    )
    await turnTimers(500)
    const waits = taken().findIndex((bytes) => bytes < 2_000_000)
    expect(taken().filter((bytes) => bytes < 2_000_000)).toHaveLength(1)
    const other = (waits + 1) % 5
    bodies[other]?.end()
    expect(await answers[other]).toBe(400)
    await until(
      async () => taken()[waits],
      (bytes) => bytes === 2_000_000,
      () => turnTimers(50),
    )
    bodies.forEach(({ end }) => end())
    await Promise.all(answers)
  })

  it('that does not end loses its place', async () => {
    const server = counted()
    const answers = Array.from({ length: 4 }, () => server.put(slowBody(15).stream, signed(15)))
    await turnTimers(1000)
    await turnTimers(120_000)
    expect(await Promise.all(answers)).toEqual([503, 503, 503, 503])
    const whole = slowBody(15)
    whole.end()
    expect(await server.put(whole.stream, signed(15))).toBe(400)
  })

  it('is refused for now while another body of its certificate is read', async () => {
    const identity = newIdentity()
    const [first, second] = [slowBody(15), slowBody(15)]
    const server = counted()
    const answer = server.put(first.stream, signed(15, identity))
    await until(
      async () => first.taken.bytes,
      (bytes) => bytes === 1_500_000,
    )
    expect(await server.put(second.stream, signed(15, identity))).toBe(503)
    first.end()
    expect(await answer).toBe(400)
  })

  describe('that is slow', () => {
    // Those of a test that failed end as well.
    afterEach(() => turnTimers(200_000))
    const whole = (server: ReturnType<typeof counted>, identity = newIdentity()) => {
      const { stream, end } = slowBody(15)
      end()
      return server.put(stream, signed(15, identity))
    }
    /** Four of them, each of which has its place. */
    async function four(server: ReturnType<typeof counted>, first = newIdentity()) {
      const slow = [first, newIdentity(), newIdentity(), newIdentity()].map((identity) => {
        const body = slowBody(1)
        const headers = { ...signed(1, identity), 'content-length': '19000000' }
        return { body, answer: server.put(body.stream, headers) }
      })
      await until(
        async () => slow.every(({ body }) => body.taken.bytes > 0),
        (all) => all,
      )
      return slow.map(({ answer }) => answer)
    }

    it('gives its place to a waiting body, also of the same certificate', async () => {
      const server = counted()
      const victim = newIdentity()
      const slow = await four(server, victim)
      expect(await server.put(slowBody(15).stream, signed(15, victim))).toBe(503)
      await turnTimers(5000)
      expect(await whole(server, victim)).toBe(400)
      expect(await drained(slow[0] ?? expect.fail())).toBe(503)
      expect(await Promise.all([whole(server), whole(server)])).toEqual([400, 400])
      await turnTimers(120_000)
      expect(await Promise.all(slow)).toEqual([503, 503, 503, 503])
    })

    it('and of a certificate of no device gives its place to a device at once', async () => {
      const server = counted()
      const slow = await four(server)
      const identity = newIdentity()
      await bind(identity, newId())
      expect(await whole(server, identity)).toBe(400)
      await turnTimers(120_000)
      expect(await Promise.all(slow)).toEqual([503, 503, 503, 503])
    })
  })
})
