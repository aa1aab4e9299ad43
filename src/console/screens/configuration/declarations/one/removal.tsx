import type { Schema } from '../../../../api/types.ts'
import { AskFirst } from '../../../../kit/dialog.tsx'
import { forgetTyped } from '../../../../place/kept.ts'
import { counted } from '../../../../time/words.ts'
import { deleteDeclaration } from '../deeds.ts'
import { declarationTyped } from '../form/draft.ts'

/** Asks before a declaration is deleted: where it is used, and on how many devices. */
export function DeclarationRemoval({
  of: declaration,
  onClose,
}: {
  readonly of: Schema<'DeclarationDetail'>
  readonly onClose: () => void
}) {
  const { id, sets, states } = declaration
  const devices = states.applied + states.pending + states.failed + states.inactive
  return (
    <AskFirst
      title="Delete declaration"
      deed="Delete declaration"
      {...(devices > 0 && { word: String(devices), hint: 'The number of devices and users' })}
      onYes={async () => {
        const answer = await deleteDeclaration(declaration)
        if (answer.ok) {
          forgetTyped(declarationTyped(id))
        }
        return answer
      }}
      onClose={onClose}
    >
      <p class="mono">{id}</p>
      <p>
        {sets.length === 0
          ? 'It is in no set.'
          : `It is in use: in ${counted(sets.length, 'set')} (${sets.join(', ')}), and is taken out of ${
              sets.length === 1 ? 'it' : 'them'
            }.`}{' '}
        {devices > 0 &&
          `${counted(devices, 'device or user', 'devices and users')} remove it, with what it did.`}
      </p>
    </AskFirst>
  )
}
