import { splitEnrollmentId } from '../../mdm/enrollment.ts'
import { countHeld } from '../store/commands/pending.ts'
import type { Context } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import type { Claim } from './identity.ts'

/**
 * A device enrols for the first time. An admin should check it if its id is a user's, or commands are held
 * for it.
 */
export function noteArrival(
  { db, name, state, effects }: Context,
  namesakes: Claim['namesakes'],
): void {
  if (namesakes) {
    state.device.namesake = namesakes.used ? 'contested' : 'called'
    effects.notes.push({
      event: 'mdm:id-is-a-users',
      device: name,
      other_devices: namesakes.ids.map((id) => splitEnrollmentId(id).device).join(', '),
    })
  }
  const commands = countHeld(db)
  if (commands > 0) {
    effects.notes.push({ event: 'mdm:commands-held', device: name, commands })
  }
}

/** A device that moved here has sent its first message. */
export function noteCall(context: Context): void {
  const { device } = context.state
  if (device.moved?.called === false) {
    device.moved = { ...device.moved, called: true }
    saveDevice(context)
  }
}
