import type { DeviceStub } from '../device/stub.ts'
import type { Replay } from '../device/outbox/replay.ts'
import type { Released, ReleaseFilter } from '../device/queue/held.ts'
import { reachDevice } from '../device/reach.ts'
import type { Address, Elsewhere } from '../device/store/address.ts'
import type { ListedKind } from './work.ts'
import type { Outcome } from './rows.ts'

/** Kinds whose outcome is the number of events or commands at a target. */

/** Posts kept events to a webhook again. A crash repeats the target, and posts its events once more. */
export const replayKind = counted((device, address, work) => {
  const order: Replay = JSON.parse(work)
  return device.replay(address, order)
})

/** Releases held commands. After a crash the repeated call finds and counts only those that are left. */
export const releaseKind = counted((device, address, work) => {
  const filter: ReleaseFilter = JSON.parse(work)
  return device.releaseSome(address, filter)
})

type Counted = { readonly kind: 'replayed'; readonly events: number } | Released

/** @param call does the `work` of the job at one target */
function counted(
  call: (device: DeviceStub, address: Address, work: string) => Promise<Counted | Elsewhere>,
): ListedKind {
  return {
    async attempt(env, { row }, id) {
      const reached = await reachDevice(env, id, (device, address) =>
        call(device, address, row.work),
      )
      return reached.kind === 'reached' ? outcomeOf(reached.answer) : reached.error
    },
    answer: async () => undefined,
  }
}

function outcomeOf(answer: Counted): Outcome {
  switch (answer.kind) {
    case 'replayed':
      return answer.events
    case 'released':
      return answer.released
    case 'unenrolled':
      return 'no device has enrolled with this id yet'
    case 'unknown':
      return 'no enrolment with this id is known'
  }
}
