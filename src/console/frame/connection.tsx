import { useEffect } from 'preact/hooks'
import { request } from '../api/call.ts'
import { isOffline, lastAnswer, loseConnection } from '../api/connection.ts'
import { readAgain } from '../api/read.ts'
import { every } from '../time/clock.ts'
import { clockTime } from '../time/words.ts'

const PROBE = 5000

/** Says that the server does not answer, and reads the page anew when it does again. */
export function OfflineBar() {
  const isOff = isOffline.value
  useEffect(() => {
    const on = (): void => void look()
    addEventListener('offline', loseConnection)
    addEventListener('online', on)
    return () => {
      removeEventListener('offline', loseConnection)
      removeEventListener('online', on)
    }
  }, [])
  useEffect(() => (isOff ? every(PROBE, () => void look()) : undefined), [isOff])
  return (
    <div role="status">
      {isOff && (
        <p class="offline">
          <strong>No connection.</strong> Shown as of {clockTime(lastAnswer()).slice(0, 5)}.
        </p>
      )}
    </div>
  )
}

/** @returns whether the server answers */
export async function look(): Promise<boolean> {
  const wasOffline = isOffline.value
  await request('/console/session')
  if (wasOffline && !isOffline.value) {
    readAgain('')
  }
  return !isOffline.value
}
