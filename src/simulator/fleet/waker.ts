import type { Session } from '../device/session.ts'

/** Runs one channel's sessions when pushes arrive, at any time. */
export interface Waker {
  /** Begins a session; during one, requests another after it. Resolves when no session is left to run. */
  wake(): Promise<void>
  /** Prevents new sessions; resolves when the present one has ended. */
  stop(): Promise<void>
}

export interface WakerOptions {
  readonly poll: () => Promise<Session>
  readonly sessionEnded: (session: Session) => void
  /** Milliseconds until a device reconnects by itself, without a push. */
  readonly retryAfter: number
  /** Whether the device polls without a push, as in Setup Assistant. */
  readonly comesBack?: () => boolean
}

export function createWaker(options: WakerOptions): Waker {
  const { poll, sessionEnded, retryAfter, comesBack = () => false } = options
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
    if ((retries(session) || comesBack()) && !stopping.signal.aborted) {
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

/** Whether a device retries a report that it could not deliver, and reconnects after a NotNow. */
function retries(session: Session): boolean {
  return session.ended === 'failed' || session.lastStatus === 'NotNow'
}
