import { CliError } from '../error.ts'
import type { Progress } from '../progress.ts'
import { activateAt, type Call, type MoveView, readMove } from './client.ts'

export interface Activation {
  readonly withoutPush: boolean
  readonly progress: Progress
  readonly sleep: (milliseconds: number) => Promise<unknown>
}

const FIRST_POLL = 100
const LONGEST_POLL = 2000
/** The server counts all items for each answer, so a large move is looked at less often. */
const PER_DEVICE = 0.5
/** A server that ended between the call and its job is asked again after this time without progress. */
const STALLED = 20_000
const MOST_CALLS = 10

/** Activates a move, and waits until all of it is served. @throws CliError if it cannot be completed */
export async function activateMove(
  call: Call,
  id: string,
  { withoutPush, progress, sleep }: Activation,
): Promise<MoveView> {
  const activate = (): Promise<MoveView> => activateAt(call, id, { without_push: withoutPush })
  let view = await activate()
  let [calls, quiet, wait] = [1, 0, FIRST_POLL]
  while (view.state !== 'active') {
    const { waiting = 0, failed = 0 } = view.devices
    if (failed > 0 && waiting === 0) {
      progress.end()
      throw new CliError(
        `${failed} devices could not be moved yet: the log of the server has the reason of each ` +
          '(move:device). Run the same command again',
      )
    }
    const total = view.items['device'] ?? 0
    progress.show('Devices', total - waiting, total)
    await sleep(wait)
    const next = await readMove(call, id)
    quiet = next.devices['waiting'] === waiting ? quiet + wait : 0
    wait = Math.min(Math.max(LONGEST_POLL, total * PER_DEVICE), wait * 2)
    view = next
    if (quiet >= STALLED && calls === MOST_CALLS) {
      progress.end()
      throw new CliError('the server does not go on: GET /api/jobs/move and its log say why')
    }
    if (quiet >= STALLED) {
      progress.say(`Nothing has changed for ${STALLED / 1000} s: the server is asked to go on.`)
      view = await activate()
      calls += 1
      quiet = 0
    }
  }
  progress.end()
  return view
}
