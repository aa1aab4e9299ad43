import { useEffect } from 'preact/hooks'
import { get } from '../../../api/call.ts'
import { useRead } from '../../../api/read.ts'
import { Choice } from '../../../kit/field.tsx'
import { toast } from '../../../kit/toast.tsx'
import { place } from '../../../place/router.ts'

const MOST = 1000

/** A profile of the library in place of a file. `?profile=` in the address means one from the start. */
export function FromLibrary({
  isEmpty,
  onChoose,
}: {
  readonly isEmpty: boolean
  /** Base64. */
  readonly onChoose: (mobileconfig: string) => void
}) {
  const { value } = useRead('/api/profiles', { query: { limit: MOST } }).state.value
  const named = place.value.query.get('profile')
  const take = async (id: string): Promise<void> => {
    const answer = await get('/api/profiles/{id}', { path: { id } })
    if (answer.ok) {
      onChoose(answer.value.mobileconfig)
    } else {
      toast({ text: answer.fault.detail, tone: 'bad' })
    }
  }
  useEffect(() => {
    if (named !== null && isEmpty) {
      void take(named)
    }
  }, [named])
  return value === undefined || value.items.length === 0 ? null : (
    <div class="from-library">
      <Choice
        label="Or from the library"
        value=""
        none="Choose a profile"
        of={value.items.map(({ id, name }) => [id, name === null ? id : `${name} (${id})`])}
        onChoose={(id) => void take(id)}
      />
    </div>
  )
}
