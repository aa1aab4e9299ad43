import { askServer } from '../ask.ts'
import type { DoctorContext, DoctorVerdict } from '../check.ts'

const SECOND = 1000
/** `Date` has whole seconds, and a proxy may set it. */
const DATE_WITHIN = 60
const NOW_WITHIN = 5

/** Check 3: the clocks of the server, of the way to it, and of this machine agree. */
export async function checkClock(context: DoctorContext): Promise<DoctorVerdict> {
  const before = context.now()
  const fresh = { headers: { 'cache-control': 'no-cache' } }
  const { headers, text } = await askServer(context, '/healthz', fresh)
  const after = context.now()
  /** Seconds that a time lies outside of the request. */
  const offBy = (time: number): number => Math.max(before - time, time - after, 0) / SECOND
  const { now }: { now: string } = JSON.parse(text)
  const own = offBy(Date.parse(now))
  const date = headers.get('date')
  const shown = date === null ? own : offBy(Date.parse(date))
  if (own > NOW_WITHIN) {
    const fix =
      Math.abs(own - shown) <= NOW_WITHIN
        ? 'set the clock of this machine; if it is right, the clock of the server’s machine'
        : 'something in front keeps old answers: turn its cache off for this host name'
    return wrong(`/healthz says ${now}`, own, NOW_WITHIN, fix)
  }
  if (shown > DATE_WITHIN) {
    const fix = 'a proxy in front keeps old answers, or has a wrong clock: correct it'
    return wrong(`the header Date says ${date}`, shown, DATE_WITHIN, fix)
  }
  return { level: 'ok', seen: `${own.toFixed(1)} s apart` }
}

function wrong(seen: string, seconds: number, within: number, fix: string): DoctorVerdict {
  return {
    level: 'fail',
    seen: `${seen}, ${Math.round(seconds)} s from the clock of this machine`,
    want: `within ${within} s`,
    fix,
  }
}
