import { useRead } from '../../../../api/read.ts'
import { Button } from '../../../../kit/button.tsx'
import { Note, Shown } from '../../../../kit/states.tsx'
import { declarationPage, MEANWHILE } from '../text.ts'

/** Another person has changed the declaration: its present content stands beside the typed one. */
export function Meanwhile({
  id,
  known,
  onTaken,
}: {
  readonly id: string
  readonly known: number
  /** The person has read it, and goes on from that version. */
  readonly onTaken: (version: number) => void
}) {
  const read = useRead('/api/declarations/{id}', { path: { id } })
  return (
    <Note tone="warn">
      <Shown read={read} lines={2}>
        {({ version, payload }) =>
          known === 0 ? (
            <p>
              There is a declaration <a href={declarationPage(id)}>{id}</a> already. Choose another
              identifier, or change that one.
            </p>
          ) : (
            <>
              <p role="alert">{MEANWHILE(version)}</p>
              <details open>
                <summary>The present content</summary>
                <pre class="raw" tabIndex={0} aria-label="Present payload">
                  {JSON.stringify(payload, null, 2)}
                </pre>
              </details>
              <Button
                onClick={() => {
                  onTaken(version)
                }}
              >
                I have read it: go on with mine
              </Button>
            </>
          )
        }
      </Shown>
    </Note>
  )
}
