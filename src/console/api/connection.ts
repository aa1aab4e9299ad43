import { signal } from '@preact/signals'
import { serverNow } from '../time/clock.ts'

/** Whether the last request got no answer. */
export const isOffline = signal(!navigator.onLine)

/** The server's time at its last answer. */
let answeredAt = serverNow()

export function lastAnswer(): number {
  return answeredAt
}

/** How often the connection was lost. */
let losses = 0

export function loseConnection(): void {
  losses += 1
  isOffline.value = true
}

/**
 * A request begins. An answer that was on its way when the connection was lost does not bring it back.
 *
 * @returns what to call with whether the server, or what stands in front of it, answered
 */
export function noteRequest(): (isAnswer: boolean) => void {
  const before = losses
  return (isAnswer) => {
    if (!isAnswer) {
      loseConnection()
    } else if (before === losses) {
      isOffline.value = false
      answeredAt = serverNow()
    }
  }
}
