import { useSignal } from '@preact/signals'
import { useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import type { Schema } from '../../../../api/types.ts'
import { go, place, type ScreenProps, withQuery, wordIn } from '../../../../place/router.ts'
import { useTitle } from '../../../../place/title.ts'
import { Button, needs } from '../../../../kit/button.tsx'
import { Dialog } from '../../../../kit/dialog.tsx'
import { Facts } from '../../../../kit/facts.tsx'
import { Empty, Shown } from '../../../../kit/states.tsx'
import { Tabs } from '../../../../kit/tabs.tsx'
import { Time } from '../../../../kit/time.tsx'
import { touch } from '../deeds.ts'
import { StateCounts } from '../state-counts.tsx'
import { declarationPage, GONE, STATES, TOUCH } from '../text.ts'
import { DeclarationContent } from './content.tsx'
import { DeclarationRemoval } from './removal.tsx'
import { RolloutNote } from './rollout.tsx'
import { SetsOfDeclaration } from './sets-of-declaration.tsx'
import { StatesPart } from './states.tsx'
import { VersionsPart } from './versions.tsx'

const EACH = 15_000
const TABS = ['', 'content', 'edit', 'versions', 'sets'] as const

/** One declaration: which devices have it and why others do not, its content, its versions, its sets. */
export default function Declaration({ names: { id = '' } }: ScreenProps) {
  const read = useRead('/api/declarations/{id}', { path: { id } }, { each: EACH })
  const { value, fault } = read.state.value
  useTitle(value?.id)
  if (!value && fault?.status === 404) {
    return (
      <Empty title="No such declaration">
        <h1 class="unseen">Unknown declaration</h1>
        <p class="mono">{id}</p>
        <p>{GONE}</p>
        <p>
          <a class="button" href="/console/declarations">
            All declarations
          </a>
        </p>
      </Empty>
    )
  }
  return (
    <>
      <p class="back">
        <a href="/console/declarations">‹ Declarations</a>
      </p>
      {!value && <h1 class="unseen">Declaration</h1>}
      <Shown read={read} lines={8}>
        {(declaration) => <Page of={declaration} />}
      </Shown>
    </>
  )
}

/** A tab has its own filters. */
const to = (word: string): string =>
  withQuery({ tab: word, state: undefined, code: undefined, cursor: undefined })

function Page({ of: declaration }: { readonly of: Schema<'DeclarationDetail'> }) {
  const { id, type, version, states, sets, versions } = declaration
  const tab = wordIn(place.value.query.get('tab'), TABS, '')
  const all = STATES.reduce((sum, state) => sum + states[state], 0)
  return (
    <>
      <header class="bar">
        <h1>
          <bdi>{id}</bdi>
        </h1>
        <Acts of={declaration} />
      </header>
      <Facts
        of={[
          ['Type', <code>{type}</code>],
          ['On devices', <StateCounts id={id} states={states} />],
          [
            'Version',
            <>
              {version}, <Time at={declaration.changed_at} />
            </>,
          ],
          ['ServerToken', <code>{declaration.server_token}</code>],
        ]}
      />
      <RolloutNote id={id} />
      <Tabs
        label="Parts of the declaration"
        current={tab === 'edit' ? 'content' : tab}
        tabs={[
          { id: '', to: to(''), label: 'Devices', count: all },
          { id: 'content', to: to('content'), label: 'Content' },
          { id: 'versions', to: to('versions'), label: 'Versions', count: versions.length },
          { id: 'sets', to: to('sets'), label: 'Sets', count: sets.length },
        ]}
      />
      {tab === '' && <StatesPart of={declaration} />}
      {(tab === 'content' || tab === 'edit') && (
        <DeclarationContent of={declaration} isEdited={tab === 'edit'} />
      )}
      {tab === 'versions' && <VersionsPart of={declaration} />}
      {tab === 'sets' && <SetsOfDeclaration of={declaration} />}
    </>
  )
}

/** What one can do with the whole declaration. */
function Acts({ of: declaration }: { readonly of: Schema<'DeclarationDetail'> }) {
  const { id } = declaration
  const asked = useSignal<'touch' | 'delete' | undefined>(undefined)
  const why = needs('config', may('config'))
  const close = (): void => {
    asked.value = undefined
  }
  return (
    <div class="actions">
      <Button
        why={why}
        onClick={() => {
          go(declarationPage(id, '?tab=edit'))
        }}
      >
        Edit…
      </Button>
      <Button
        why={why}
        onClick={() => {
          asked.value = 'touch'
        }}
      >
        Re-send to all…
      </Button>
      <Button
        tone="danger"
        why={why}
        onClick={() => {
          asked.value = 'delete'
        }}
      >
        Delete…
      </Button>
      {asked.value === 'touch' && (
        <Dialog title="Re-send to all devices" onClose={close}>
          <p>{TOUCH}</p>
          <div class="actions">
            <Button
              tone="main"
              onClick={async () => {
                await touch(id)
                close()
              }}
            >
              Re-send to all
            </Button>
            <Button onClick={close}>Cancel</Button>
          </div>
        </Dialog>
      )}
      {asked.value === 'delete' && <DeclarationRemoval of={declaration} onClose={close} />}
    </div>
  )
}
