import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { send } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { changed, useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'
import { Button, needs } from '../../kit/button.tsx'
import { Section } from '../../kit/facts.tsx'
import { Field } from '../../kit/field.tsx'
import { Empty, FaultNote, Note, Shown } from '../../kit/states.tsx'
import { type Column, Table, PageLinks } from '../../kit/table.tsx'
import { Time } from '../../kit/time.tsx'
import { heard, toast } from '../../kit/toast.tsx'
import { useTyped } from '../../place/kept.ts'
import { place } from '../../place/router.ts'
import { counted } from '../../time/words.ts'
import { callsFor, serialsIn } from './pasted.ts'

const PATH = '/api/known-serials'
const PAGE = 100
const LINES = 4

const COLUMNS: readonly Column<Schema<'KnownSerial'>>[] = [
  { id: 'id', label: 'Serial number', cell: ({ id }) => <span class="mono">{id}</span> },
  { id: 'at', label: 'Added', isAside: true, cell: ({ added_at: at }) => <Time at={at} /> },
]

/** The serial numbers that may enrol where the server admits only known devices. */
export function KnownSerials() {
  const cursor = place.value.query.get('cursor') ?? ''
  const read = useRead('/api/known-serials', { query: { limit: PAGE, cursor } })
  return (
    <>
      {may('enroll') && <Mode />}
      <Adding />
      <Shown read={read}>
        {({ items, next, total }) =>
          items.length === 0 ? (
            <Empty title="No serial number yet">
              <p>
                Paste some above. Devices that Apple assigns to the server are known without it.
              </p>
            </Empty>
          ) : (
            <>
              {total !== null && <p class="dim">{counted(total, 'serial number')}</p>}
              <Rows rows={items} />
              <PageLinks next={next} />
            </>
          )
        }
      </Shown>
    </>
  )
}

/** The list is kept in every mode, and counts in one. */
function Mode() {
  const { value } = useRead('/api/enrollment', {}).state.value
  return value && value.mode !== 'known' ? (
    <Note>
      <p>
        The list does not count now: it does with <code>ENROLLMENT=known</code>, and the server has{' '}
        <code>ENROLLMENT={value.mode}</code>.
      </p>
    </Note>
  ) : null
}

function Adding() {
  const text = useTyped('known serial numbers', '')
  const fault = useSignal<Fault | undefined>(undefined)
  const serials = serialsIn(text.value)
  const add = async (): Promise<void> => {
    fault.value = await addAll(serials)
    if (fault.value === undefined) {
      text.value = ''
    }
  }
  const what = serials.length === 0 ? 'serial numbers' : counted(serials.length, 'serial number')
  return (
    <Section title="Add serial numbers">
      <Field
        label="Serial numbers"
        lines={LINES}
        isMono
        value={text.value}
        hint="One a line, or between commas."
        more={{ spellcheck: false }}
        onInput={(now) => {
          text.value = now
        }}
      />
      {fault.value && <FaultNote fault={fault.value} />}
      <Button
        tone="main"
        why={
          needs('enroll', may('enroll')) ??
          (serials.length === 0 ? 'Paste serial numbers first' : undefined)
        }
        onClick={add}
      >
        Add {what}
      </Button>
    </Section>
  )
}

/** @returns why it stopped */
async function addAll(serials: readonly string[]): Promise<Fault | undefined> {
  let added = 0
  for (const ids of callsFor(serials)) {
    const answer = await send('post', '/api/known-serials', { body: { ids } })
    if (!answer.ok) {
      changed(PATH)
      return answer.fault
    }
    added += answer.value.added
  }
  const before = serials.length - added
  toast({
    text: `${counted(added, 'serial number')} added${before > 0 ? `, ${before} were there` : ''}`,
  })
  changed(PATH)
  return undefined
}

function Rows({ rows }: { readonly rows: readonly Schema<'KnownSerial'>[] }) {
  const picked = useSignal<ReadonlySet<string>>(new Set())
  const none = (): void => {
    picked.value = new Set()
  }
  // The list is read again by itself: what is selected stays, as far as it is there.
  useEffect(() => {
    picked.value = new Set(rows.flatMap(({ id }) => (picked.value.has(id) ? [id] : [])))
  }, [rows])
  const { size } = picked.value
  const remove = async (): Promise<void> => {
    const ids = [...picked.value]
    const answer = await send('post', '/api/known-serials/remove', { body: { ids } })
    if (heard(answer)) {
      toast({
        text: `${counted(answer.value.removed, 'serial number')} removed: enrolled devices stay`,
        action: { label: 'Undo', run: () => addAll(ids) },
      })
    }
    changed(PATH)
  }
  return (
    <>
      <Table
        label="Known serial numbers"
        columns={COLUMNS}
        rows={rows}
        idOf={({ id }) => id}
        picks={{
          has: (id) => picked.value.has(id),
          pick: (ids, isOn) => {
            const others = [...picked.value].filter((id) => !ids.includes(id))
            picked.value = new Set(isOn ? [...others, ...ids] : others)
          },
          all: {
            label: `Select ${counted(rows.length, 'serial number')}`,
            isOn: size === 0 ? false : size === rows.length ? true : 'some',
            press: () => {
              picked.value = new Set(size === 0 ? rows.map(({ id }) => id) : [])
            },
          },
        }}
      />
      {size > 0 && (
        <div class="bulk" role="region" aria-label="Selected serial numbers">
          <strong aria-live="polite">{counted(size, 'serial number')} selected</strong>
          <span class="actions">
            <Button tone="danger" why={needs('enroll', may('enroll'))} onClick={remove}>
              Remove {counted(size, 'serial number')}
            </Button>
            <Button onClick={none}>Clear</Button>
          </span>
        </div>
      )}
    </>
  )
}
