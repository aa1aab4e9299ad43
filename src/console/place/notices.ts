import { signal } from '@preact/signals'

const STORED = 'edgemdm-notices'

/** Whether this browser shows a notice when one's own command is answered while the page is hidden. */
export const areNoticesOn = signal(
  localStorage.getItem(STORED) === 'on' && permission() === 'granted',
)

/** @returns why the browser shows none; `undefined` if it does, or is not to */
export async function switchNotices(isOn: boolean): Promise<string | undefined> {
  const given =
    isOn && permission() === 'default' ? await Notification.requestPermission() : permission()
  areNoticesOn.value = isOn && given === 'granted'
  localStorage.setItem(STORED, areNoticesOn.value ? 'on' : 'off')
  return isOn && given !== 'granted'
    ? 'This browser does not allow notices of this page: allow them in its settings'
    : undefined
}

/** Some browsers have no notices. */
function permission(): NotificationPermission {
  return 'Notification' in globalThis ? Notification.permission : 'denied'
}
