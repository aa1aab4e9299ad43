import { useSignal } from '@preact/signals'
import { send } from '../../../api/call.ts'
import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { forgetTyped } from '../../../place/kept.ts'
import { go, type ScreenProps } from '../../../place/router.ts'
import { useTitle } from '../../../place/title.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { AskFirst } from '../../../kit/dialog.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Empty, Note, Shown } from '../../../kit/states.tsx'
import { toast } from '../../../kit/toast.tsx'
import { counted } from '../../../time/words.ts'
import { catalogChanged, linkSet } from '../declarations/deeds.ts'
import { declarationPage } from '../declarations/text.ts'
import { AddLine } from './add-line.tsx'
import { Members, membersTyped } from './members.tsx'
import { setDraftOf, takenBy } from './rule.ts'
import { SetForm, setTyped } from './set-form.tsx'
import { LOSES_DECLARATIONS, ownedBy, SET_GONE } from './text.ts'

type SetDetail = Schema<'DeclarationSetDetail'>

const MOST = 1000

/** One set: its rule, its declarations, its members. */
export default function OneSet({ names: { id = '' } }: ScreenProps) {
  const read = useRead('/api/sets/{id}', { path: { id } }, { each: 15_000 })
  const { value, fault } = read.state.value
  useTitle(value?.id)
  if (!value && fault?.status === 404) {
    return (
      <Empty title="No such set">
        <h1 class="unseen">Unknown set</h1>
        <p class="mono">{id}</p>
        <p>{SET_GONE}</p>
        <p>
          <a class="button" href="/console/sets">
            All sets
          </a>
        </p>
      </Empty>
    )
  }
  return (
    <>
      <p class="back">
        <a href="/console/sets">‹ Sets</a>
      </p>
      {!value && <h1 class="unseen">Set</h1>}
      <Shown read={read} lines={8}>
        {(set) => (
          <>
            <Head of={set} />
            <DeclarationsOfSet of={set} />
            <Members id={set.id} count={set.member_count} />
          </>
        )}
      </Shown>
    </>
  )
}

function Head({ of: set }: { readonly of: SetDetail }) {
  const asked = useSignal<'rule' | 'delete' | undefined>(undefined)
  const why = whyNot(set)
  const ask = (what?: 'rule' | 'delete') => (): void => {
    asked.value = what
  }
  return (
    <>
      <header class="bar">
        <h1>
          <bdi>{set.id}</bdi>
        </h1>
        <div class="actions">
          <Button why={why} onClick={ask('rule')}>
            Change rule…
          </Button>
          <Button tone="danger" why={why} onClick={ask('delete')}>
            Delete…
          </Button>
        </div>
      </header>
      {set.owner !== null && <Note>{ownedBy(set.owner)}</Note>}
      {set.description !== null && <p>{set.description}</p>}
      <p>{takenBy(set.rule)}</p>
      {asked.value === 'rule' && (
        <SetForm begin={setDraftOf(set)} isNew={false} onStored={ask()} onClose={ask()} />
      )}
      {asked.value === 'delete' && <SetRemoval of={set} onClose={ask()} />}
    </>
  )
}

function whyNot({ owner }: SetDetail): string | undefined {
  return owner === null ? needs('config', may('config')) : ownedBy(owner)
}

function SetRemoval({
  of: set,
  onClose,
}: {
  readonly of: SetDetail
  readonly onClose: () => void
}) {
  const { id, declarations } = set
  const remove = async () => {
    const answer = await send('delete', '/api/sets/{id}', { path: { id } })
    if (answer.ok) {
      forgetTyped(setTyped(id))
      forgetTyped(membersTyped(id))
      toast({ text: `${id} deleted.` })
      catalogChanged()
      go('/console/sets', { replace: true })
    }
    return answer
  }
  return (
    <AskFirst title="Delete set" deed="Delete set" onYes={remove} onClose={onClose}>
      <p class="mono">{id}</p>
      <p>
        {declarations.length === 0
          ? 'It has no declaration: no device loses anything.'
          : LOSES_DECLARATIONS(counted(declarations.length, 'declaration'))}
      </p>
    </AskFirst>
  )
}

function DeclarationsOfSet({ of: set }: { readonly of: SetDetail }) {
  const { id, declarations } = set
  const why = whyNot(set)
  return (
    <Section title={`Declarations (${declarations.length})`}>
      {declarations.length === 0 ? (
        <p class="dim">Its devices get nothing by it yet.</p>
      ) : (
        <ul class="rows">
          {declarations.map((declaration) => (
            <li key={declaration}>
              <span class="said">
                <a href={declarationPage(declaration)}>
                  <bdi>{declaration}</bdi>
                </a>
              </span>
              <Button
                why={why}
                label={`Take out ${declaration}`}
                onClick={() => linkSet(id, declaration, false)}
              >
                Take out
              </Button>
            </li>
          ))}
        </ul>
      )}
      <AddDeclaration of={set} why={why} />
    </Section>
  )
}

function AddDeclaration({
  of: { id, declarations },
  why,
}: {
  readonly of: SetDetail
  readonly why: string | undefined
}) {
  const all = useRead('/api/declarations', { query: { limit: MOST } }).state.value.value?.items
  const others = (all ?? []).filter((one) => !declarations.includes(one.id))
  return (
    <AddLine
      what="declaration"
      of={others.map((one) => one.id)}
      why={why}
      onAdd={(one) => linkSet(id, one, true)}
    />
  )
}
