import { may } from '../../../../api/session.ts'
import type { Schema } from '../../../../api/types.ts'
import { needs } from '../../../../kit/button.tsx'
import { Empty } from '../../../../kit/states.tsx'
import { SetsOf } from '../../sets/sets-of.tsx'
import { linkSet } from '../deeds.ts'
import { NO_DEVICES } from '../text.ts'

/** The sets that a declaration is in: their devices get it. */
export function SetsOfDeclaration({
  of: { id, sets },
}: {
  readonly of: Schema<'DeclarationDetail'>
}) {
  return (
    <>
      {sets.length === 0 && (
        <Empty title="It is in no set, so no device gets it">
          <p>{NO_DEVICES}</p>
        </Empty>
      )}
      <SetsOf
        sets={sets}
        why={needs('config', may('config'))}
        onChange={(set, isIn) => linkSet(set, id, isIn)}
      />
      <p>
        <a href="/console/sets?new=">New set…</a>
      </p>
    </>
  )
}
