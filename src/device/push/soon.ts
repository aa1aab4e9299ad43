import { clock } from '../../clock.ts'
import type { Effects } from '../store/context.ts'

/** Commands queued in a burst are one push: the device fetches them all. */
const DELAY = 250

/** The channels of a device that get a push soon. */
export interface SoonPushes {
  /** A commit has queued commands, or its device has connected. */
  follow(effects: Effects): void
  /** Pushes without the delay. A device gets one push at a time, so this waits for a push that hangs. */
  hurry(): void
}

/** @param start runs a push in the background */
export function createSoonPushes(
  push: (channels: readonly number[]) => Promise<void>,
  start: (work: Promise<void>) => void,
): SoonPushes {
  const channels = new Set<number>()
  let cancel: (() => void) | undefined
  let isPushing = false

  function dropTimer(): void {
    cancel?.()
    cancel = undefined
  }

  function soon(): void {
    if (channels.size === 0) {
      dropTimer()
    } else if (!isPushing) {
      cancel ??= clock.after(DELAY, hurry)
    }
  }

  function hurry(): void {
    dropTimer()
    if (!isPushing) {
      isPushing = true
      start(pushAll())
    }
  }

  async function pushAll(): Promise<void> {
    const taken = [...channels]
    channels.clear()
    try {
      await push(taken)
    } finally {
      isPushing = false
      soon()
    }
  }

  return {
    follow(effects) {
      for (const channel of effects.connected) {
        channels.delete(channel)
      }
      for (const channel of effects.push) {
        channels.add(channel)
      }
      soon()
    },
    hurry,
  }
}
