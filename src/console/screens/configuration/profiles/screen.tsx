import { useSignal } from '@preact/signals'
import type { Fault } from '../../../api/fault.ts'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { useRowKeys } from '../../../kit/rows.ts'
import { Empty, FaultNote, Note, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { Time } from '../../../kit/time.tsx'
import { toast } from '../../../kit/toast.tsx'
import { place, withQuery } from '../../../place/router.ts'
import { sizeText } from '../../../results/cell.ts'
import { saveProfile } from './deeds.ts'
import { type OpenedProfile, ProfileFile } from './file.tsx'
import { InstallOn } from './install.tsx'
import {
  ENROLMENT_PROFILE,
  payloadNames,
  PROFILE_SENTENCES,
  profilePage,
  signerText,
} from './text.ts'

const PAGE = 200

const COLUMNS: readonly Column<Schema<'ProfileSummary'>>[] = [
  {
    id: 'name',
    label: 'Profile',
    isLong: true,
    cell: ({ id, name }) => (
      <>
        <bdi>{name ?? id}</bdi> {name !== null && <bdi class="dim">{id}</bdi>}
      </>
    ),
  },
  {
    id: 'payloads',
    width: '18rem',
    label: 'Payloads',
    isLong: true,
    cell: ({ payload_types: types }) => payloadNames(types),
  },
  {
    id: 'signer',
    width: '10rem',
    label: 'Signed by',
    isWide: true,
    cell: ({ signed_by: signer }) => <bdi>{signerText(signer)}</bdi>,
  },
  { id: 'size', width: '6rem', label: 'Size', isNumber: true, cell: ({ size }) => sizeText(size) },
  {
    id: 'changed',
    width: '8rem',
    label: 'Changed',
    isAside: true,
    cell: ({ changed_at: at }) => <Time at={at} never="" />,
  },
]

/** The library of profiles. A file that is dropped anywhere on the page is read before anything is sent. */
export default function ProfileLibrary() {
  const cursor = place.value.query.get('from')
  const read = useRead('/api/profiles', {
    query: { limit: PAGE, ...(cursor !== null && { cursor }) },
  })
  const installing = useSignal<OpenedProfile | undefined>(undefined)
  const known = new Set(read.state.value.value?.items.map(({ id }) => id))
  useRowKeys()
  return (
    <>
      <header class="bar">
        <h1>Profiles</h1>
        <ProfileFile label="Open a profile…" tone="main" why={undefined}>
          {(opened, close) => (
            <Actions
              opened={opened}
              isKnown={known.has(opened.facts.identifier)}
              onInstall={() => {
                close()
                installing.value = opened
              }}
              onClose={close}
            />
          )}
        </ProfileFile>
      </header>
      <Shown read={read}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={PROFILE_SENTENCES.none}>
              <p>{PROFILE_SENTENCES.noneHint}</p>
            </Empty>
          ) : (
            <>
              <Table
                label="Profiles"
                columns={COLUMNS}
                rows={items}
                idOf={({ id }) => id}
                to={({ id }) => profilePage(id)}
              />
              <nav class="actions end" aria-label="Pages">
                {cursor !== null && <a href={withQuery({ from: undefined })}>First profiles</a>}
                {next !== null && <a href={withQuery({ from: next })}>Next profiles</a>}
              </nav>
            </>
          )
        }
      </Shown>
      {installing.value && (
        <InstallOn
          opened={installing.value}
          onClose={() => {
            installing.value = undefined
          }}
        />
      )}
    </>
  )
}

function Actions({
  opened,
  isKnown,
  onInstall,
  onClose,
}: {
  readonly opened: OpenedProfile
  readonly isKnown: boolean
  readonly onInstall: () => void
  readonly onClose: () => void
}) {
  const fault = useSignal<Fault | undefined>(undefined)
  const save = async (): Promise<void> => {
    fault.value = await saveProfile(opened)
    if (!fault.value) {
      toast({ text: `${opened.facts.name || opened.facts.identifier} saved` })
      onClose()
    }
  }
  return (
    <>
      {isKnown && <Note tone="warn">{PROFILE_SENTENCES.replaces}</Note>}
      {opened.facts.identifier === ENROLMENT_PROFILE && (
        <Note tone="warn">{PROFILE_SENTENCES.enrolment}</Note>
      )}
      {fault.value && <FaultNote fault={fault.value} />}
      <div class="actions">
        <Button tone="main" why={needs('config', may('config'))} onClick={save}>
          {isKnown ? 'Replace in the library' : 'Save to the library'}
        </Button>
        <Button why={needs('command', may('command'))} onClick={onInstall}>
          Install on a device…
        </Button>
        <Button onClick={onClose}>Close</Button>
      </div>
    </>
  )
}
