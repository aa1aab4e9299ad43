import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { go, withQuery } from '../../place/router.ts'
import { Choice, Field } from '../../kit/field.tsx'
import { FiltersFold } from '../../kit/filters-fold.tsx'
import { after } from '../../time/clock.ts'
import type { ActivityFilter } from './model.ts'
import { FILTERS, TEXT } from './text.ts'

/** The filters, which stand in the address. */
export function Filters({ filter }: { readonly filter: ActivityFilter }) {
  const isOpen = useSignal(false)
  const count = Object.values(filter).filter((word) => word !== '').length
  return (
    <>
      <FiltersFold id="activity-menus" count={count} isOpen={isOpen} />
      <div id="activity-menus" class={`activity-filters ${isOpen.value ? 'open' : ''}`}>
        <Choice
          label={TEXT.kind}
          value={filter.kind}
          of={FILTERS}
          none={TEXT.all}
          onChoose={(kind) => {
            go(withQuery({ kind }))
          }}
        />
        <Word name="device" label={TEXT.device} hint={TEXT.deviceHint} value={filter.device} />
        <Word name="actor" label={TEXT.actor} hint={TEXT.actorHint} value={filter.actor} />
      </div>
    </>
  )
}

const TYPED = 300

/** A word of the address, once its typing has paused. */
function Word({
  name,
  label,
  hint,
  value,
}: {
  readonly name: 'device' | 'actor'
  readonly label: string
  readonly hint: string
  readonly value: string
}) {
  const typed = useSignal<string | undefined>(undefined)
  const text = typed.value
  useEffect(() => {
    return text === undefined
      ? undefined
      : after(TYPED, () => {
          typed.value = undefined
          go(withQuery({ [name]: text.trim() }), { replace: true })
        })
  }, [text, name, typed])
  return (
    <Field
      label={label}
      hint={hint}
      type="search"
      value={text ?? value}
      onInput={(word) => {
        typed.value = word
      }}
    />
  )
}
