/** The parts of a stream that are used. */
interface ProgressSink {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface Progress {
  readonly show: (doing: string, done: number, total: number) => void
  /** A sentence that stays. */
  readonly say: (text: string) => void
  /** Removes the line that is rewritten. */
  readonly end: () => void
}

const REWRITE = '\r\u001b[K'
/** In a file or a pipe: so many lines for the whole. */
const STEPS = 10

/** How far long work is: on a terminal one line that is rewritten, else a line every ten percent. */
export function createProgress(sink: ProgressSink): Progress {
  let shown = ''
  const end = (): void => {
    if (sink.isTTY && shown !== '') {
      sink.write(REWRITE)
    }
    shown = ''
  }
  return {
    end,
    say(text) {
      end()
      sink.write(`${text}\n`)
    },
    show(doing, done, total) {
      const text = `${doing}: ${done} of ${total}`
      const step = `${doing} ${Math.floor((done * STEPS) / Math.max(total, 1))}`
      if (sink.isTTY) {
        sink.write(REWRITE + text)
      } else if (step !== shown) {
        sink.write(`${text}\n`)
      }
      shown = step
    },
  }
}
