import { go, place } from '../../../../place/router.ts'
import { useTitle } from '../../../../place/title.ts'
import { catalogChanged } from '../deeds.ts'
import { DeclarationForm } from './form.tsx'
import { NEW_DRAFT } from './draft.ts'
import { declarationPage } from '../text.ts'

/** A declaration that is not there yet. The address may name its type: `?new=com.apple.…`. */
export function NewDeclaration() {
  useTitle('New declaration')
  return (
    <>
      <p class="back">
        <a href="/console/declarations">‹ Declarations</a>
      </p>
      <h1>New declaration</h1>
      <DeclarationForm
        begin={{ ...NEW_DRAFT, type: place.value.query.get('new') ?? '' }}
        version={0}
        onStored={(id) => {
          catalogChanged()
          go(declarationPage(id), { replace: true })
        }}
        onCancel={() => {
          go('/console/declarations')
        }}
      />
    </>
  )
}
