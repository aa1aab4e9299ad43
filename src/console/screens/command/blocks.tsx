import { useSignal } from '@preact/signals'
import { Badge, Meter } from '../../kit/badge.tsx'
import { Facts, Section } from '../../kit/facts.tsx'
import { Table } from '../../kit/table.tsx'
import { Field } from '../../kit/field.tsx'
import { Ends, Time } from '../../kit/time.tsx'
import { Copy } from '../../kit/copy.tsx'
import { sizeText, cellWords, type Cell } from '../../results/cell.ts'
import { csvOf, type Block, type TableBlock } from '../../results/view.ts'
import { SaveButton } from './save.tsx'
import { Tree } from './tree.tsx'

/** The blocks of an answer, one below the other. */
export function Blocks({
  of: blocks,
  name,
}: {
  readonly of: readonly Block[]
  readonly name: string
}) {
  return (
    <>
      {blocks.map((block, n) => (
        <OneBlock key={n} block={block} name={name} />
      ))}
    </>
  )
}

function OneBlock({ block, name }: { readonly block: Block; readonly name: string }) {
  switch (block.kind) {
    case 'facts':
      return (
        <Section title={block.title}>
          <Facts
            of={block.facts.map(([label, cell]) => [label, <Shown key={label} cell={cell} />])}
          />
        </Section>
      )
    case 'table':
      return <Rows block={block} name={name} />
    case 'place':
      return <Place block={block} />
  }
}

interface Row {
  readonly id: string
  readonly cells: readonly Cell[]
}

/** How many columns a phone shows. */
const ON_A_PHONE = 4
/** Longer tables can be searched. */
const SEARCHED_ABOVE = 10

function Rows({ block, name }: { readonly block: TableBlock; readonly name: string }) {
  const sought = useSignal('')
  const letters = sought.value.toLowerCase()
  const rows = block.rows
    .map((cells, n) => ({ id: String(n), cells }))
    .filter(
      ({ cells }) =>
        letters === '' || cells.some((cell) => cellWords(cell).toLowerCase().includes(letters)),
    )
  return (
    <Section
      title={`${block.title} (${block.rows.length.toLocaleString('en-GB')})`}
      actions={<SaveButton label="Save as CSV" name={`${name}.csv`} text={() => csvOf(block)} />}
    >
      {block.rows.length > SEARCHED_ABOVE && (
        <Field
          label={`Find in ${block.title.toLowerCase()}`}
          type="search"
          value={sought.value}
          onInput={(text) => {
            sought.value = text
          }}
        />
      )}
      {rows.length === 0 ? (
        <p class="dim">{block.rows.length === 0 ? 'The list is empty.' : 'Nothing fits.'}</p>
      ) : (
        <div class="scrolls" role="region" aria-label={block.title} tabIndex={0}>
          <Table<Row>
            label={block.title}
            idOf={({ id }) => id}
            rows={rows}
            columns={block.columns.map((label, n) => ({
              id: label,
              label,
              isWide: n >= ON_A_PHONE,
              cell: ({ cells }) => <Shown cell={cells[n] ?? { kind: 'text', text: '' }} />,
            }))}
          />
        </div>
      )}
    </Section>
  )
}

function Place({ block }: { readonly block: Extract<Block, { kind: 'place' }> }) {
  const { latitude, longitude, accuracy, at } = block
  const place = `${latitude}, ${longitude}`
  const map = `https://maps.apple.com/?ll=${latitude},${longitude}&q=${encodeURIComponent(place)}`
  return (
    <div class="place">
      <p class="mono">
        {place} <Copy text={place} />
      </p>
      <p>
        {accuracy !== undefined && <>Within {accuracy.toLocaleString('en-GB')} m. </>}
        {at !== undefined && (
          <>
            Measured <Time at={at} />.
          </>
        )}
      </p>
      <a class="button" href={map} target="_blank" rel="noreferrer">
        Open in Maps
      </a>
    </div>
  )
}

function Shown({ cell }: { readonly cell: Cell }) {
  switch (cell.kind) {
    case 'text':
      return cell.isMono ? <span class="mono">{cell.text}</span> : <>{cell.text}</>
    case 'copied':
      return (
        <>
          <span class="mono">{cell.text}</span> <Copy text={cell.text} />
        </>
      )
    case 'state':
      return <Badge tone={cell.tone}>{cell.text}</Badge>
    case 'time':
      return <Time at={cell.at} />
    case 'end':
      return <Ends at={cell.at} />
    case 'share':
      return (
        <span class="amount">
          <Meter value={cell.value} of={cell.of} label={cell.text} /> {cell.text}
        </span>
      )
    case 'data':
      return (
        <>
          <span class="dim">{sizeText(Math.floor((cell.base64.length * 3) / 4))} of data</span>{' '}
          <Copy text={cell.base64} />
        </>
      )
    case 'tree':
      return <Tree value={cell.value} />
  }
}
