import { useSignal } from '@preact/signals'
import { send, type Answer } from '../../../api/call.ts'
import type { Fault } from '../../../api/fault.ts'
import { changed, useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Dialog, GiveUp } from '../../../kit/dialog.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Field } from '../../../kit/field.tsx'
import { FaultNote, Note, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { Time } from '../../../kit/time.tsx'
import { toast } from '../../../kit/toast.tsx'
import { forgetTyped, useTyped } from '../../../place/kept.ts'
import { counted } from '../../../time/words.ts'
import { UPDATE_SENTENCES } from './text.ts'

type OsVersions = Schema<'OsVersions'>
type Release = OsVersions['versions'][number]

const COLUMNS: readonly Column<Release>[] = [
  {
    id: 'version',
    label: 'Version',
    cell: ({ version, supplemental }) =>
      supplemental ? `${version}, Background Security Improvement` : version,
  },
  { id: 'platforms', width: '14rem', label: 'For', cell: ({ platforms }) => platforms.join(', ') },
  { id: 'build', width: '8rem', label: 'Build', isWide: true, cell: ({ build }) => build ?? '' },
  {
    id: 'released',
    width: '9rem',
    label: 'Released',
    cell: ({ released_at: at }) => <Time at={at} />,
  },
  {
    id: 'expires',
    width: '9rem',
    label: 'Signed until',
    isAside: true,
    cell: ({ expires_at: at }) => at && <Time at={at} />,
  },
]

/** The list of versions that Apple offers, and where it comes from. */
export function Versions() {
  const read = useRead('/api/software-updates/versions', {})
  const isChanging = useSignal(false)
  return (
    <Section
      title="Versions that Apple offers"
      actions={
        <Button
          why={needs('config', may('config'))}
          onClick={() => {
            isChanging.value = true
          }}
        >
          Change the list…
        </Button>
      }
    >
      <Shown read={read} lines={2}>
        {(list) => <List of={list} />}
      </Shown>
      {isChanging.value && (
        <ChangeList
          onClose={() => {
            isChanging.value = false
          }}
        />
      )}
    </Section>
  )
}

function List({ of: { versions, url, fetched_at: at, error } }: { readonly of: OsVersions }) {
  if (at === null && error === null) {
    return <p class="dim">{UPDATE_SENTENCES.noList}</p>
  }
  const rows = versions.toSorted((one, other) => other.released_at.localeCompare(one.released_at))
  return (
    <>
      {error !== null && <Note tone="warn">The list of before holds. {error}</Note>}
      <p class="dim">
        {counted(versions.length, 'version')}, {url === null ? 'uploaded' : `from ${url}`},{' '}
        <Time at={at} />
      </p>
      <details>
        <summary>Show them</summary>
        <Table
          label="Versions"
          columns={COLUMNS}
          rows={rows}
          idOf={({ version, build, platforms }) => `${version} ${build} ${platforms.join(' ')}`}
        />
      </details>
    </>
  )
}

const TYPED = 'address of the list of versions'

function ChangeList({ onClose }: { readonly onClose: () => void }) {
  const url = useTyped(TYPED, '')
  const fault = useSignal<Fault | undefined>(undefined)
  const refused = useSignal('')
  const took = (answer: Answer<OsVersions>): void => {
    if (answer.ok) {
      changed('/api/software-updates')
      toast({ text: `The list has ${counted(answer.value.versions.length, 'version')}` })
      forgetTyped(TYPED)
      onClose()
    } else {
      fault.value = answer.fault
    }
  }
  const upload = async (file: File | undefined): Promise<void> => {
    const body = file && objectIn(await file.text())
    refused.value = file && !body ? 'This file is not JSON.' : ''
    if (body) {
      took(await send('put', '/api/software-updates/versions', { body }))
    }
  }
  return (
    <Dialog title="List of versions" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        <div class="field">
          <label for="versions-file">Upload a list</label>
          <input
            id="versions-file"
            type="file"
            accept="application/json,.json"
            onChange={(event) => void upload(event.currentTarget.files?.[0])}
          />
          <div class="hint">
            Apple’s own is at <span class="mono">gdmf.apple.com/v2/pmv</span>: download it on a Mac.
          </div>
          <div class="fault">{refused.value}</div>
        </div>
        <Field
          label="Or an address that the server reads each day"
          type="url"
          isNeeded
          value={url.value}
          onInput={(text) => {
            url.value = text
          }}
        />
        {fault.value && <FaultNote fault={fault.value} />}
        <div class="actions">
          <Button
            type="submit"
            tone="main"
            onClick={async () => {
              took(await send('put', '/api/software-updates/feed', { body: { url: url.value } }))
            }}
          >
            Read from the address
          </Button>
          <GiveUp typed={TYPED} onClose={onClose} />
        </div>
      </form>
    </Dialog>
  )
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
