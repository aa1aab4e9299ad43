import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { useRead } from '../../api/read.ts'
import type { Schema } from '../../api/types.ts'
import type { DeviceFacts } from '../../composer/facts.ts'
import { findTypes } from '../../composer/search.ts'
import { commandStanding } from '../../composer/standing.ts'
import { go } from '../../place/router.ts'
import { Badge } from '../../kit/badge.tsx'
import { Empty, Shown } from '../../kit/states.tsx'
import { recentTypes } from './recent-types.ts'

type CommandType = Schema<'CommandTypeSummary'>

/** All command types: those that this device has first, the others with the reason why not. */
export function Chooser({
  facts,
  addressOf,
}: {
  readonly facts: DeviceFacts
  readonly addressOf: (requestType: string) => string
}) {
  const read = useRead('/api/command-types', {})
  const typed = useSignal('')
  const found = findTypes(read.state.value.value?.items ?? [], typed.value).map((type) => ({
    type,
    standing: commandStanding(type, facts),
  }))
  const there = found.filter(({ standing }) => standing.kind === 'there')
  const lacking = found.filter(({ standing }) => standing.kind === 'lacking')
  const [first] = [...there, ...lacking]
  // Enter may come before the list: then it opens the first one as soon as the list is there.
  const isOpening = useSignal(false)
  const open = (): void => {
    isOpening.value = first === undefined && read.state.value.value === undefined
    if (first) {
      go(addressOf(first.type.request_type))
    }
  }
  useEffect(() => {
    if (isOpening.value && first) {
      open()
    }
  }, [first])
  const line = ({ type }: Offered) => (
    <Line key={type.request_type} of={type} facts={facts} to={addressOf(type.request_type)} />
  )
  return (
    <>
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
          open()
        }}
      >
        <label class="unseen" for="find-command">
          Find a command
        </label>
        <input
          id="find-command"
          ref={focusAtOnce}
          type="search"
          placeholder="Find a command: a few letters, then Enter"
          autocomplete="off"
          value={typed.value}
          onInput={(event) => {
            typed.value = event.currentTarget.value
          }}
        />
      </form>
      <Shown read={read} lines={8}>
        {() => (
          <>
            {found.length === 0 && <Empty title={`No command fits “${typed.value}”`} />}
            {typed.value === '' ? (
              <Groups of={there} line={line} />
            ) : (
              <ul class="types">{there.map(line)}</ul>
            )}
            {lacking.length > 0 && (
              <details class="not-here" open={typed.value !== ''}>
                <summary>{lacking.length} not for this device</summary>
                <ul class="types lacking">{lacking.map(line)}</ul>
              </details>
            )}
          </>
        )}
      </Shown>
    </>
  )
}

/** The same function at each drawing, so it is called as the field appears, and not again. */
function focusAtOnce(field: HTMLInputElement | null): void {
  field?.focus()
}

interface Offered {
  readonly type: CommandType
}

/** What was sent last, then all by their subjects. */
function Groups({
  of: offered,
  line,
}: {
  readonly of: readonly Offered[]
  readonly line: (one: Offered) => preact.VNode
}) {
  const last = recentTypes()
  const recent = last.flatMap((name) => offered.filter(({ type }) => type.request_type === name))
  const groups = Map.groupBy(offered, ({ type }) => type.group)
  return (
    <div class="type-groups">
      {recent.length > 0 && (
        <section>
          <h2>Sent last</h2>
          <ul class="types">{recent.map(line)}</ul>
        </section>
      )}
      {[...groups].map(([group, types]) => (
        <section key={group}>
          <h2>{group}</h2>
          <ul class="types">{types.map(line)}</ul>
        </section>
      ))}
    </div>
  )
}

function Line({
  of: type,
  facts,
  to,
}: {
  readonly of: CommandType
  readonly facts: DeviceFacts
  readonly to: string
}) {
  const standing = commandStanding(type, facts)
  const remark = standing.kind === 'lacking' ? standing.why : standing.remark
  return (
    <li>
      <a href={to}>
        <span class="name">
          {type.request_type} {type.destructive && <Badge tone="bad">Destructive</Badge>}
        </span>
        <span class="dim">{type.description}</span>
        {remark !== undefined && <span class="why">{remark}</span>}
      </a>
    </li>
  )
}
