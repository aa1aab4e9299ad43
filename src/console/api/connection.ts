import { signal } from '@preact/signals'
import { serverNow } from '../time/clock.ts'

/** Whether the last request got no answer. */
export const isOffline = signal(!navigator.onLine)

/** The server's time at its last answer. */
let answeredAt = serverNow()

export function lastAnswer(): number {
  return answeredAt
}

/** @param isAnswer whether the server, or what stands in front of it, answered */
export function noteAnswer(isAnswer: boolean): void {
  isOffline.value = !isAnswer
  if (isAnswer) {
    answeredAt = serverNow()
  }
}
