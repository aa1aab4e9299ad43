import { useSignal } from '@preact/signals'
import { addressOf, request } from '../../../../api/call.ts'
import { useRead } from '../../../../api/read.ts'
import type { Schema } from '../../../../api/types.ts'
import type { Json } from '../../../../composer/draft.ts'
import { Badge } from '../../../../kit/badge.tsx'
import { Button } from '../../../../kit/button.tsx'
import { Copy } from '../../../../kit/copy.tsx'
import { Section } from '../../../../kit/facts.tsx'
import { Shown } from '../../../../kit/states.tsx'
import { Table, type Column } from '../../../../kit/table.tsx'
import { Time } from '../../../../kit/time.tsx'
import { toast } from '../../../../kit/toast.tsx'
import { sizeText } from '../../../../results/cell.ts'
import { ReasonsSaid } from '../../../configuration/declarations/state-line.tsx'
import { Tree } from '../../../command/tree.tsx'
import { shortValue } from './declarative.ts'

type Status = Schema<'DeviceStatus'>

const COLUMNS: readonly Column<Status['items'][number]>[] = [
  { id: 'name', label: 'Item', cell: ({ name }) => <code>{name}</code> },
  { id: 'value', label: 'Value', isLong: true, cell: ({ value }) => <Value of={value} /> },
  { id: 'at', label: 'Reported', isAside: true, cell: ({ reported_at: at }) => <Time at={at} /> },
]

/** What a device reports of itself by status items, and its last reports, as they came. */
export function StatusPart({ id }: { readonly id: string }) {
  const read = useRead('/api/devices/{id}/status', { path: { id } })
  return (
    <Shown read={read}>
      {({ items, errors, reports }) => (
        <>
          <Section title={`Status (${items.length})`}>
            {items.length === 0 ? (
              <p class="dim">It has not reported any status item.</p>
            ) : (
              <Table
                label="Status items"
                columns={COLUMNS}
                rows={items}
                idOf={({ name }) => name}
              />
            )}
            {errors.map(({ item, reasons }) => (
              <div class="note warn" key={item}>
                <p>
                  It could not report <code>{item}</code>:
                </p>
                <ReasonsSaid of={reasons} />
              </div>
            ))}
          </Section>
          {reports.length > 0 && (
            <Section title="Last reports">
              <ul class="rows">
                {reports.map((report) => (
                  <li key={report.id}>
                    <StatusReport id={id} of={report} />
                  </li>
                ))}
              </ul>
            </Section>
          )}
        </>
      )}
    </Shown>
  )
}

function Value({ of }: { readonly of: unknown }) {
  const text = shortValue(of)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON, as the device reported it
  return text === undefined ? <Tree value={of as Json} /> : <bdi>{text}</bdi>
}

/** One report. Its bytes are read when one asks for them. */
function StatusReport({
  id,
  of: { id: number, received_at: at, size, full, malformed },
}: {
  readonly id: string
  readonly of: Status['reports'][number]
}) {
  const text = useSignal<string | undefined>(undefined)
  const names = { id, report_id: String(number) }
  const show = async (): Promise<void> => {
    const answer = await request(addressOf('/api/devices/{id}/status/reports/{report_id}', names))
    if (answer.ok) {
      text.value = await answer.value.text()
    } else {
      toast({ tone: 'bad', text: answer.fault.detail })
    }
  }
  return (
    <div class="said">
      <p>
        <Time at={at} />, {sizeText(size)}, {full ? 'all items' : 'what has changed'}{' '}
        {malformed && <Badge tone="bad">Cannot be read</Badge>}{' '}
        {text.value === undefined ? (
          <Button tone="quiet" label={`Raw report ${number}`} onClick={show}>
            Raw
          </Button>
        ) : (
          <>
            <Copy text={text.value} />
            <Button
              tone="quiet"
              label={`Hide report ${number}`}
              onClick={() => {
                text.value = undefined
              }}
            >
              Hide
            </Button>
          </>
        )}
      </p>
      {text.value !== undefined && (
        <pre class="raw" tabIndex={0} aria-label={`Report ${number}`}>
          {text.value}
        </pre>
      )}
    </div>
  )
}
