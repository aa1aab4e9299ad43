import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Schema } from '../../../../api/types.ts'
import { go } from '../../../../place/router.ts'
import { Copy } from '../../../../kit/copy.tsx'
import { Segments } from '../../../command/segments.tsx'
import { Tree } from '../../../command/tree.tsx'
import { SaveButton } from '../../../command/save.tsx'
import { catalogChanged } from '../deeds.ts'
import { NEW_DRAFT } from '../form/draft.ts'
import { DeclarationForm } from '../form/form.tsx'
import { declarationPage } from '../text.ts'

type Detail = Schema<'DeclarationDetail'>

const VIEWS = [
  ['tree', 'Readable'],
  ['json', 'JSON'],
] as const

/** The payload, to read or to edit. */
export function DeclarationContent({
  of: declaration,
  isEdited,
}: {
  readonly of: Detail
  readonly isEdited: boolean
}) {
  return isEdited ? <Edit of={declaration} /> : <PayloadViews of={declaration} />
}

function PayloadViews({ of: { id, type, payload } }: { readonly of: Detail }) {
  const view = useSignal<(typeof VIEWS)[number][0]>('tree')
  const text = JSON.stringify(payload, null, 2)
  return (
    <>
      <div class="actions content-actions">
        <Segments
          label="View"
          of={VIEWS}
          current={view.value}
          onChoose={(word) => {
            view.value = word
          }}
        />
        <Copy text={text} label="Copy payload" />
        <SaveButton
          label="Save as file"
          name={`${id}.json`}
          text={() => JSON.stringify({ Type: type, Identifier: id, Payload: payload }, null, 2)}
        />
      </div>
      {view.value === 'tree' ? (
        <Tree value={payload} />
      ) : (
        <pre class="raw" tabIndex={0} aria-label="Payload">
          {text}
        </pre>
      )}
    </>
  )
}

/** The form keeps what it began with: a change meanwhile is said, and does not change what was typed. */
function Edit({ of: { id, type, payload, version } }: { readonly of: Detail }) {
  const begun = useRef({ version, text: JSON.stringify(payload, null, 2) })
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    element.current?.querySelector('textarea')?.focus({ preventScroll: true })
    element.current?.scrollIntoView()
  }, [])
  const leave = (): void => {
    go(declarationPage(id, '?tab=content'), { replace: true })
  }
  return (
    <div ref={element}>
      <DeclarationForm
        begin={{ ...NEW_DRAFT, id, type, text: begun.current.text }}
        version={begun.current.version}
        present={version}
        onStored={() => {
          catalogChanged()
          leave()
        }}
        onCancel={leave}
      />
    </div>
  )
}
