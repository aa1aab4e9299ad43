import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { go, place, withQuery } from '../../place/router.ts'
import { Button } from '../../kit/button.tsx'
import { Check } from '../../kit/field.tsx'
import { FiltersFold } from '../../kit/filters-fold.tsx'
import { PullDown } from '../../kit/pull-down.tsx'
import { after } from '../../time/clock.ts'
import { COLUMNS, type DeviceColumn, keepColumns, SORTS } from './columns.tsx'
import { type Chip, chipsOf, chosen, chosenIn, DEVICE_FILTERS, SEEN } from './filter.ts'
import { FILTER_WORDS, LIST_WORDS } from './text.ts'

/** While someone types, the list is not asked at each letter. */
const PAUSE = 150
/** The page of the window, which ends with each other filter. */
const FROM_START = { from: undefined, skip: undefined }

const MENUS = ['platform', 'state', 'push_state', 'enrollment_type'] as const

/** Search and filters. The address has what they say. */
export function DeviceFilters() {
  const { query } = place.value
  const isOpen = useSignal(false)
  return (
    <div class="device-filters">
      <Search />
      <FiltersFold id="device-menus" count={chipsOf(query).length} isOpen={isOpen} />
      <div id="device-menus" class={`menus ${isOpen.value ? 'open' : ''}`}>
        {MENUS.map((word) => (
          <Choices key={word} word={word} />
        ))}
        <Version />
        <PullDown label={FILTER_WORDS.lastSeen} isOn={query.has('seen')}>
          {Object.entries(SEEN).map(([value, label]) => (
            <Check
              key={value}
              label={label}
              isOn={query.get('seen') === value}
              onChange={(isOn) => {
                change({ seen: isOn ? value : undefined })
              }}
            />
          ))}
        </PullDown>
      </div>
    </div>
  )
}

function change(words: Readonly<Record<string, string | undefined>>): void {
  go(withQuery({ ...words, ...FROM_START }), { replace: true })
}

function Search() {
  const { query } = place.value
  const written = query.get('q') ?? ''
  const text = useSignal(written)
  const stop = useRef(() => {})
  // The address of the next screen does not get it.
  useEffect(
    () => () => {
      stop.current()
    },
    [],
  )
  useEffect(() => {
    // Back, or a chip, has changed the address.
    if (written !== text.value.trim()) {
      text.value = written
    }
  }, [written, text])
  return (
    <input
      type="search"
      class="find"
      aria-label={LIST_WORDS.search}
      placeholder={LIST_WORDS.search}
      autocomplete="off"
      spellcheck={false}
      value={text.value}
      onInput={(event) => {
        const { value } = event.currentTarget
        text.value = value
        stop.current()
        stop.current = after(PAUSE, () => {
          change({ q: value.trim() || undefined })
        })
      }}
    />
  )
}

function Choices({ word }: { readonly word: (typeof MENUS)[number] }) {
  const { query } = place.value
  const { label, choices = {} } = DEVICE_FILTERS[word]
  const on = chosenIn(query, word)
  return (
    <PullDown label={label} isOn={on.length > 0}>
      {Object.entries(choices).map(([value, text]) => (
        <Check
          key={value}
          label={text}
          isOn={on.includes(value)}
          onChange={(isOn) => {
            change(chosen(word, isOn ? [...on, value] : on.filter((other) => other !== value)))
          }}
        />
      ))}
    </PullDown>
  )
}

/** A version is typed: a fleet has dozens. */
function Version() {
  const { query } = place.value
  const written = chosenIn(query, 'os_version')[0] ?? ''
  return (
    <PullDown label={FILTER_WORDS.os} isOn={written !== ''}>
      <label class="field">
        <span>{FILTER_WORDS.osHint}</span>
        <input
          type="text"
          inputMode="decimal"
          value={written}
          onChange={(event) => {
            change(chosen('os_version', [event.currentTarget.value.trim()].filter(Boolean)))
          }}
        />
      </label>
    </PullDown>
  )
}

/** Chooses the columns, for this address and the next visit. */
export function ColumnMenu({ shown }: { readonly shown: readonly DeviceColumn[] }) {
  const ids = shown.map(({ id }) => id)
  return (
    <PullDown label={FILTER_WORDS.columns}>
      {COLUMNS.slice(1).map(({ id, label }) => (
        <Check
          key={id}
          label={label}
          isOn={ids.includes(id)}
          onChange={(isOn) => {
            const cols = keepColumns(isOn ? [...ids, id] : ids.filter((other) => other !== id))
            go(withQuery({ cols }), { replace: true })
          }}
        />
      ))}
    </PullDown>
  )
}

/** The filters that are on. Each goes with a click. */
export function Chips() {
  const { query } = place.value
  const chips = [...chipsOf(query), ...oddSort(query)]
  if (chips.length === 0) {
    return null
  }
  return (
    <ul class="chips" aria-label={FILTER_WORDS.on}>
      {chips.map(({ label, value, without }) => (
        <li key={label}>
          <a
            href={withQuery({ ...without, ...FROM_START })}
            aria-label={`Remove ${label}: ${value}`}
          >
            <span class="dim">{label}</span> <bdi>{value}</bdi> <span aria-hidden="true">✕</span>
          </a>
        </li>
      ))}
      {chips.length > 1 && (
        <li>
          <Button tone="quiet" onClick={clearFilters}>
            Clear
          </Button>
        </li>
      )}
    </ul>
  )
}

/** A sort that no column has sorts by name. */
function oddSort(query: URLSearchParams): readonly Chip[] {
  const sort = query.get('sort')
  return !sort || SORTS.some((known) => known === sort)
    ? []
    : [
        {
          label: FILTER_WORDS.sort,
          value: FILTER_WORDS.unknown(sort),
          without: { sort: undefined },
          isUnknown: true,
        },
      ]
}

/** Takes all filters and the search away. The sort and the columns stay. */
export function clearFilters(): void {
  const { path, query } = place.value
  const kept = new URLSearchParams(
    [...query].filter(([word]) => word === 'sort' || word === 'cols'),
  ).toString()
  go(kept === '' ? path : `${path}?${kept}`)
}
