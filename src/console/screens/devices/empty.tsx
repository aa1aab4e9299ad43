import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get } from '../../api/call.ts'
import { place, withQuery } from '../../place/router.ts'
import { Button } from '../../kit/button.tsx'
import { Empty } from '../../kit/states.tsx'
import { serverNow } from '../../time/clock.ts'
import { chipsOf, readWords } from './filter.ts'
import { clearFilters } from './filters.tsx'
import { LIST_WORDS } from './text.ts'

/** How many filters are tried to be left out. */
const TRIED = 4
/** A UDID of either form. */
const UDID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}-[0-9a-f]{16})$/i

/** No device is known at all. */
export function NoDevice() {
  return (
    <Empty title={LIST_WORDS.none}>
      <p>{LIST_WORDS.nobodyHere}</p>
      <p>
        <a class="button main" href="/console/enrolment">
          Enrol a device
        </a>
      </p>
    </Empty>
  )
}

interface Idea {
  readonly label: string
  readonly to: string
}

/** The filter finds nothing: what would. */
export function NoMatch() {
  const { query } = place.value
  const ideas = useSignal<readonly Idea[]>([])
  const address = query.toString()
  useEffect(() => {
    const abort = new AbortController()
    ideas.value = []
    void ideasFor(new URLSearchParams(address), abort.signal).then((found) => {
      if (!abort.signal.aborted) {
        ideas.value = found
      }
    })
    return () => {
      abort.abort()
    }
  }, [address, ideas])
  const q = query.get('q')?.trim() ?? ''
  return (
    <Empty title={LIST_WORDS.noMatch}>
      {ideas.value.length > 0 && (
        <ul class="ideas">
          {ideas.value.map(({ label, to }) => (
            <li key={label}>
              <a href={to}>{label}</a>
            </li>
          ))}
        </ul>
      )}
      {UDID.test(q) && (
        <p>
          <a href={`/console/devices/${encodeURIComponent(q)}`}>{LIST_WORDS.unknownId(q)}</a>
        </p>
      )}
      <Button onClick={clearFilters}>Clear</Button>
    </Empty>
  )
}

/** The filters without which something matches. */
async function ideasFor(query: URLSearchParams, signal: AbortSignal): Promise<readonly Idea[]> {
  const chips = chipsOf(query).filter(({ isUnknown }) => !isUnknown)
  const tried =
    chips.length > 1 || query.has('q')
      ? chips
          .slice(0, TRIED)
          .map(({ label, value, without }) => ({ label: `${label}: ${value}`, without }))
      : []
  const searched =
    query.has('q') && chips.length > 0
      ? [{ label: `${query.get('q')}`, without: { q: undefined } }]
      : []
  const found = await Promise.all(
    [...tried, ...searched].map(async ({ label, without }) => {
      const other = new URLSearchParams(query)
      for (const word of Object.keys(without)) {
        other.delete(word)
      }
      const answer = await get('/api/devices', {
        query: { ...readWords(other, serverNow()), limit: 1 },
        signal,
      })
      const count = answer.ok ? (answer.value.total ?? 0) : 0
      return count === 0
        ? []
        : [
            {
              label: LIST_WORDS.without(label, count),
              to: withQuery({ ...without, from: undefined }),
            },
          ]
    }),
  )
  return found.flat()
}
