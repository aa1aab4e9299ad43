import type { Replay } from '../device/outbox/replay.ts'
import { reachDevice } from '../device/reach.ts'
import type { ListedKind, OpenJob, WorkEnv } from './work.ts'
import type { Outcome } from './rows.ts'

/** Posts kept events to a webhook again. The `work` of such a job is a {@link Replay}. */
export const replayKind: ListedKind = { attempt: replayEvents, answer: async () => undefined }

/** The outcome is the number of events. A crash repeats the target, and posts its events once more. */
async function replayEvents(env: WorkEnv, { row }: OpenJob, id: string): Promise<Outcome> {
  const order: Replay = JSON.parse(row.work)
  const reached = await reachDevice(env, id, async (device, address) =>
    device.replay(address, order),
  )
  if (reached.kind !== 'reached') {
    return reached.error
  }
  const { answer } = reached
  return answer.kind === 'replayed' ? answer.events : 'no enrolment with this id is known'
}
