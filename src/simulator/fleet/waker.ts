import type { Session } from '../device/session.ts'

/** Runs one channel's sessions for pushes that come whenever they like. */
export interface Waker {
  /** Begins a session; during one, has another follow it. Resolves when nothing is left to do. */
  wake(): Promise<void>
  /** No session begins any more; resolves when the one under way has ended. */
  stop(): Promise<void>
}

export interface WakerOptions {
  readonly poll: () => Promise<Session>
  readonly sessionEnded: (session: Session) => void
  /** Milliseconds until a device comes back by itself, with no push. */
  readonly retryAfter: number
}

export function createWaker({ poll, sessionEnded, retryAfter }: WakerOptions): Waker {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let wanted = false
  let timer: NodeJS.Timeout | undefined

  async function run(): Promise<void> {
    try {
      while (wanted && !stopping.signal.aborted) {
        wanted = false
        const session = await poll()
        sessionEnded(session)
        comeBackAfter(session)
      }
    } finally {
      running = undefined
    }
  }

  function comeBackAfter(session: Session): void {
    clearTimeout(timer)
    if (comesBack(session) && !stopping.signal.aborted) {
      timer = setTimeout(() => void wake(), retryAfter).unref()
    }
  }

  function wake(): Promise<void> {
    wanted = true
    running ??= run()
    return running
  }

  async function stop(): Promise<void> {
    stopping.abort()
    clearTimeout(timer)
    await running
  }

  return { wake, stop }
}

/** A device retries what it could not deliver, and reconnects after a NotNow (spec/apple-protocol.md §2.2). */
function comesBack(session: Session): boolean {
  return session.ended === 'failed' || session.lastStatus === 'NotNow'
}
