/** Many requests at once in an isolate that has found out nothing yet. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { claimedServer, newServer } from './claim-tools.ts'
import { turn, turnTimers } from './clock.ts'

const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
beforeEach(() => {
  turn(60_000)
  warned.mockClear()
})

const CROWD = Array.from({ length: 200 }, (_, at) => at)

function linesOf(event: string): number {
  return warned.mock.calls.filter(([line]) => String(line).includes(`"${event}"`)).length
}

/** All answers: once Control has given the first one, the others look for it. */
async function answersOf(all: readonly Promise<Response>[]): Promise<Response[]> {
  await Promise.race(all)
  turn(100)
  return Promise.all(all)
}

/** All answers, while the clock goes on. */
async function lateAnswersOf(all: readonly Promise<Response>[]): Promise<Response[]> {
  const rest = Promise.all(all)
  const over = rest.then(() => true)
  while (!(await Promise.race([over, turnTimers(500).then(() => false)])));
  return rest
}

/** An isolate of the server, and how often it has asked Control for the claim. */
function watched({ control, isolate }: ReturnType<typeof newServer>, read: () => object = control) {
  const calls: string[] = []
  const stub = () =>
    new Proxy(read(), {
      get: (object, name) => {
        const call: unknown = Reflect.get(object, name)
        return (...given: unknown[]): unknown => {
          calls.push(String(name))
          return typeof call === 'function' ? Reflect.apply(call, object, given) : undefined
        }
      },
    })
  return {
    ...isolate({ CONTROL: { getByName: stub } }),
    reads: () => calls.filter((name) => name === 'claimView').length,
  }
}

describe('a crowd', () => {
  it('asks Control a few times, and all of it gets the answer', async () => {
    const { ask, reads } = watched(await claimedServer())
    const answers = await answersOf(CROWD.map(() => ask('/scep?operation=GetCACaps')))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
    expect(reads()).toBeLessThanOrEqual(4)
  })

  it('gets 503 after a while if Control does not answer, and the next one asks again', async () => {
    const server = await claimedServer()
    let isSilent = true
    const silent = { claimView: () => new Promise(() => undefined) }
    const { ask, reads } = watched(server, () => (isSilent ? silent : server.control()))
    const answers = await lateAnswersOf(CROWD.map(() => ask('/scep?operation=GetCACaps')))
    expect(answers.filter(({ status }) => status !== 503)).toEqual([])
    expect(reads()).toBeLessThanOrEqual(4)
    isSilent = false
    turn(1000)
    expect((await ask('/scep?operation=GetCACaps')).status).toBe(200)
  })

  it('of strangers at a new server is one line of the log in a minute', async () => {
    const { ask } = newServer().isolate()
    await answersOf(CROWD.map(() => ask('/mdm/connect', { method: 'PUT' })))
    expect(linesOf('config:incomplete')).toBe(1)
    turn(59_000)
    await ask('/')
    expect(linesOf('config:incomplete')).toBe(1)
    turn(60_000)
    await ask('/')
    expect(linesOf('config:incomplete')).toBe(2)
  })

  it('does not hide another fault behind the first line', async () => {
    await newServer().isolate().ask('/')
    await newServer().isolate({ API_KEY: 'an API key' }).ask('/')
    expect(linesOf('config:incomplete')).toBe(2)
  })
})
