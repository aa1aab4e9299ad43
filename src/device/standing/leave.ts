/** How a device leaves: it checks out, or an admin retires or deletes it. */
import { saveChannel, saveDevice } from '../store/rows/save.ts'
import { everyChannel } from '../store/channels.ts'
import { logHappening, type Context } from '../store/context.ts'
import { endUndecided } from './contest-end.ts'
import { noteChange } from './directory-row.ts'

/** The device checks out with all its users; a user checks out alone. The queue stays, as in MicroMDM. */
export function checkOut(context: Context, user: string): void {
  const { state } = context
  let endsClaim = false
  for (const channel of everyChannel(context)) {
    if (channel.user === user || user === '') {
      endsClaim ||= channel.claim !== 'none'
      if (channel.id > 0 && channel.enabled && state.device.declares) {
        // The next offer takes the states of the user out of the directory.
        state.device.offeredEpoch = undefined
        saveDevice(context)
      }
      // While it is contested, the user's claim may be that of the enrolment before.
      const claim = state.device.contest ? channel.claim : 'none'
      Object.assign(channel, { enabled: false, token: null, magic: '', claim })
      saveChannel(context, channel)
    }
  }
  if (user === '') {
    endUndecided(context)
    state.device.state = 'checked_out'
  }
  if (user === '' || endsClaim) {
    noteChange(context)
  }
}

/**
 * An admin knows that the device is gone: another one has its serial number, or it was scrapped. It is pushed
 * no more. Its next message makes it current again, as after a CheckOut.
 * @returns false when the device is unknown.
 */
export function retire(context: Context): boolean {
  const { device } = context.state
  const { state, moved } = device
  if (state === 'unknown') {
    return false
  }
  checkOut(context, '')
  // A later copy of the other server does not bring it back.
  device.moved = moved && { ...moved, called: true }
  if (state !== 'checked_out') {
    logHappening(context, 'device:retired', '')
  }
  return true
}

/** Removes the device from the lists until its next Authenticate. @returns false when it is unknown. */
export function hide(context: Context): boolean {
  const { device } = context.state
  if (device.state === 'unknown' || device.hidden) {
    return false
  }
  device.hidden = true
  noteChange(context)
  logHappening(context, 'device:deleted', '')
  return true
}
