import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { get } from '../../api/call.ts'
import type { Fault } from '../../api/fault.ts'
import { Meter } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { FaultNote } from '../../kit/states.tsx'
import type { DeviceColumn } from './columns.tsx'
import { csvLine } from './csv.ts'
import type { ListQuery } from './pages.tsx'
import { EXPORT_WORDS } from './text.ts'

const PAGE = 1000
/** A longer text is a file: a clipboard may refuse it. */
const MOST_COPIED = 20_000_000

/** Reads all that match, page by page, and gives it as CSV. */
export function Export({
  query: { cursor: _cursor, limit: _limit, ...query },
  columns,
  total,
  onClose,
}: {
  readonly query: ListQuery
  readonly columns: readonly DeviceColumn[]
  readonly total: number
  readonly onClose: () => void
}) {
  const lines = useSignal<readonly string[]>([])
  const rows = useSignal(0)
  const isDone = useSignal(false)
  const fault = useSignal<Fault | undefined>(undefined)
  const tries = useSignal(0)
  useEffect(() => {
    const abort = new AbortController()
    const read = async (): Promise<void> => {
      let cursor: string | null = ''
      lines.value = [csvLine(columns.map(({ label }) => label))]
      rows.value = 0
      while (cursor !== null) {
        const asked: ListQuery = { ...query, limit: PAGE, ...(cursor !== '' && { cursor }) }
        const answer = await get('/api/devices', { query: asked, signal: abort.signal })
        if (abort.signal.aborted) {
          return
        }
        if (!answer.ok) {
          fault.value = answer.fault
          return
        }
        const { items, next } = answer.value
        const page = items.map((row) => csvLine(columns.map(({ csv }) => csv(row))))
        lines.value = [...lines.value, page.join('')]
        rows.value += items.length
        cursor = next
      }
      isDone.value = true
    }
    fault.value = undefined
    void read()
    return () => {
      abort.abort()
    }
    // The dialog exports what was there when it opened.
  }, [tries.value])
  const csv = isDone.value ? lines.value.join('') : ''
  return (
    <Dialog title={EXPORT_WORDS.title(total)} onClose={onClose}>
      {fault.value ? (
        <FaultNote
          fault={fault.value}
          again={() => {
            tries.value++
          }}
        />
      ) : isDone.value ? (
        <p>{EXPORT_WORDS.done(rows.value)}</p>
      ) : (
        <p role="status">
          <Meter value={rows.value} of={total} label={EXPORT_WORDS.reading(rows.value, total)} />{' '}
          {EXPORT_WORDS.reading(rows.value, total)}
        </p>
      )}
      <div class="actions">
        {isDone.value && csv.length <= MOST_COPIED && <Copy text={csv} label="Copy" />}
        {isDone.value && (
          <Button
            tone="main"
            onClick={() => {
              download(csv)
            }}
          >
            Download
          </Button>
        )}
        <Button onClick={onClose}>{isDone.value ? 'Close' : 'Cancel'}</Button>
      </div>
    </Dialog>
  )
}

/** Excel reads UTF-8 only behind its mark. */
function download(csv: string): void {
  const address = URL.createObjectURL(new Blob(['\uFEFF', csv], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = address
  link.download = 'devices.csv'
  link.click()
  URL.revokeObjectURL(address)
}
