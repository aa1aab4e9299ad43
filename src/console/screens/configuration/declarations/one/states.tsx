import { useDeviceNames } from '../../../../api/read-names.ts'
import { useRead } from '../../../../api/read.ts'
import type { Schema } from '../../../../api/types.ts'
import { go, place, withQuery, wordIn } from '../../../../place/router.ts'
import { Choice } from '../../../../kit/field.tsx'
import { Section } from '../../../../kit/facts.tsx'
import { Empty, Shown } from '../../../../kit/states.tsx'
import { PageLinks } from '../../../../kit/table.tsx'
import { EnrollmentLink } from '../enrollment-link.tsx'
import { isInWords, reasonIn } from '../reasons.ts'
import { Resend, StateLine } from '../state-line.tsx'
import { type DeclarationState, NO_DEVICES, STATE_WORDS, STATES } from '../text.ts'
import { DeviceWords } from './device-words.tsx'

type Detail = Schema<'DeclarationDetail'>

const EACH = 15_000
const PAGE = 100
/** So many devices are asked for their own words at once. */
const ASKED = 10
/** The filter of all states but `failed`. */
const REST = 'rest'

/** The devices of a declaration with its state on each: those that need somebody first. */
export function StatesPart({ of: { id, states, sets } }: { readonly of: Detail }) {
  const { query } = place.value
  const chosen = wordIn(query.get('state'), ['', REST, ...STATES] as const, '')
  const code = query.get('code') ?? ''
  const all = STATES.reduce((sum, state) => sum + states[state], 0)
  if (all === 0) {
    return (
      <Empty title="No device has it">
        <p>{sets.length === 0 ? NO_DEVICES : 'No device is in its sets yet.'}</p>
      </Empty>
    )
  }
  const isSplit = chosen === '' && code === '' && states.failed > 0 && states.failed < all
  return (
    <>
      <div class="state-filter">
        <Choice
          label="State"
          value={chosen}
          none={`All (${all.toLocaleString('en-GB')})`}
          of={[
            ...STATES.map(
              (state) =>
                [
                  state,
                  `${STATE_WORDS[state][1]} (${states[state].toLocaleString('en-GB')})`,
                ] as const,
            ),
            [REST, 'All but the failed'],
          ]}
          onChoose={(state) => {
            go(withQuery({ state, code: undefined, cursor: undefined }), { replace: true })
          }}
        />
      </div>
      {code !== '' && (
        <ul class="chips">
          <li>
            <a href={withQuery({ code: undefined, cursor: undefined })}>
              {reasonIn(code).words}
              <span aria-hidden="true"> ✕</span>
              <span class="unseen">: take this filter away</span>
            </a>
          </li>
        </ul>
      )}
      {isSplit ? (
        <>
          <Section title={`Failed (${states.failed.toLocaleString('en-GB')})`}>
            <Lines id={id} state="failed" code="" isPart />
          </Section>
          <Section title="Other devices">
            <Lines id={id} state={REST} code="" isPart />
          </Section>
        </>
      ) : (
        <Lines id={id} state={chosen} code={code} />
      )}
    </>
  )
}

/** A page of devices. Of a few that failed, each is asked at once what it says itself. */
function Lines({
  id,
  state,
  code,
  isPart = false,
}: {
  readonly id: string
  readonly state: DeclarationState | typeof REST | ''
  readonly code: string
  /** It stands beside others: its further pages have an address of their own. */
  readonly isPart?: boolean
}) {
  const cursor = isPart ? '' : (place.value.query.get('cursor') ?? '')
  const states = STATES.filter((one) => (state === REST ? one !== 'failed' : one === state))
  const nameOf = useDeviceNames()
  const read = useRead(
    '/api/declarations/{id}/states',
    { path: { id }, query: { limit: PAGE, state: states, code, cursor } },
    { each: EACH },
  )
  return (
    <Shown read={read}>
      {({ items, next }) =>
        items.length === 0 ? (
          <Empty title="No device has this state" />
        ) : (
          <>
            <ul class="findings states">
              {items.map((one) => {
                const { words, fix } = reasonIn(one.code)
                const isTold = one.state === 'failed' || one.code !== null
                return (
                  <StateLine
                    key={one.enrollment_id}
                    state={one.state}
                    since={one.since}
                    title={<EnrollmentLink id={one.enrollment_id} nameOf={nameOf} />}
                    action={
                      one.state !== 'withheld' && (
                        <Resend
                          enrollment={one.enrollment_id}
                          id={id}
                          of={nameOf({ id: one.enrollment_id.split(':')[0] ?? '' })}
                        />
                      )
                    }
                  >
                    {isTold && (
                      <p>
                        {words}. {isInWords(one.code) && <code>{one.code}</code>}{' '}
                        <span class="dim">{fix}</span>
                      </p>
                    )}
                    {one.state === 'failed' && (
                      <DeviceWords
                        enrollment={one.enrollment_id}
                        id={id}
                        code={one.code}
                        isOpen={items.length <= ASKED}
                      />
                    )}
                  </StateLine>
                )
              })}
            </ul>
            <PageLinks next={next} more={{ state }} />
          </>
        )
      }
    </Shown>
  )
}
