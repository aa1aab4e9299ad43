import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { go, place, withQuery } from '../place/router.ts'
import { useVisible } from './rows.ts'

export interface Column<Row> {
  readonly id: string
  readonly label: string
  readonly cell: (row: Row) => ComponentChildren
  /** The word by which the API sorts this column; without one it is not sorted. */
  readonly sort?: string
  readonly isNumber?: boolean
  /** A length of CSS. A table whose columns all have one, but for the first, keeps them while one scrolls. */
  readonly width?: string
  /** Left out of the two lines that a phone shows. */
  readonly isWide?: boolean
  /** On a phone it stands at the end of the first line. */
  readonly isAside?: boolean
  /** Text that goes on in further lines. Not for tables above a hundred rows: their rows have one height. */
  readonly isLong?: boolean
}

/** Which rows are picked. The owner knows, because more may be picked than the table shows. */
export interface Picks {
  readonly has: (id: string) => boolean
  /** Several ids are a range, from the row that was picked last. */
  readonly pick: (ids: readonly string[], isOn: boolean) => void
  /** The box above the rows. */
  readonly all: {
    readonly label: string
    readonly isOn: boolean | 'some'
    readonly press: () => void
  }
}

interface TableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly idOf: (row: Row) => string
  /** Where a row leads. The link is on the first column, and the whole row follows it. */
  readonly to?: (row: Row) => string
  readonly picks?: Picks
  /** The word of `?sort=` in the address; `-` before it sorts the other way. */
  readonly sort?: string
  /** What a checkbox says of its row. */
  readonly nameOf?: (row: Row) => string
}

/** So many columns fit on a usual screen. */
const FITTING = 7

/**
 * A table whose rows are links. Of many rows only those near the screen are in the page: drawing a row costs
 * more than all else that a key in a filter does.
 */
export function Table<Row>(props: TableProps<Row>) {
  const { label, columns, rows, idOf, sort } = props
  const box = useRef<HTMLTableSectionElement>(null)
  const isEven = props.to !== undefined && !columns.some(({ isLong }) => isLong)
  const { first, last, height } = useVisible(box, rows.length, isEven ? 'even' : 'uneven')
  const anchor = useRef<string | undefined>(undefined)
  const widths = widthsOf(columns)
  const wide = columns.length + (props.picks ? 1 : 0)
  return (
    <div class={`tabled ${columns.length > FITTING ? 'many' : ''}`}>
      <table
        class={`table ${props.to ? 'links' : ''} ${widths === '' ? '' : 'fixed'}`}
        style={{ '--others': widths }}
        aria-rowcount={rows.length + 1}
      >
        <caption class="unseen">{label}</caption>
        <thead>
          <tr>
            {props.picks && (
              <th class="pick">
                <PickAll {...props.picks.all} />
              </th>
            )}
            {columns.map((column) => (
              <Heading key={column.id} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <tbody ref={box}>
          <Spacer height={first * height} columns={wide} />
          {rows.slice(first, last).map((row, n) => (
            <Line key={idOf(row)} row={row} index={first + n} table={props} anchor={anchor} />
          ))}
          <Spacer height={(rows.length - last) * height} columns={wide} />
        </tbody>
      </table>
    </div>
  )
}

/** The widths of all columns but the first, as a sum of CSS; empty if one has none. */
function widthsOf<Row>(columns: readonly Column<Row>[]): string {
  const widths = columns.slice(1).map(({ width }) => width)
  return widths.includes(undefined) ? '' : widths.join(' + ')
}

function Heading<Row>({
  column,
  sort,
}: {
  readonly column: Column<Row>
  readonly sort: string | undefined
}) {
  const { label, width } = column
  const kind = kindOf(column)
  if (column.sort === undefined) {
    return (
      <th scope="col" class={kind} style={{ width }}>
        {label}
      </th>
    )
  }
  const isUp = sort === column.sort
  const isDown = sort === `-${column.sort}`
  return (
    <th
      scope="col"
      class={kind}
      style={{ width }}
      aria-sort={isUp ? 'ascending' : isDown ? 'descending' : 'none'}
    >
      <a href={withQuery({ sort: isUp ? `-${column.sort}` : column.sort })}>
        {label} <span aria-hidden="true">{isUp ? '↑' : isDown ? '↓' : ''}</span>
      </a>
    </th>
  )
}

function kindOf<Row>({ isNumber, isWide, isAside, isLong }: Column<Row>): string {
  const kinds = [isNumber && 'number', isWide && 'wide', isAside && 'aside', isLong && 'long']
  return kinds.filter(Boolean).join(' ')
}

function Line<Row>({
  row,
  index,
  table: { columns, idOf, to, picks, nameOf, rows },
  anchor,
}: {
  readonly row: Row
  readonly index: number
  readonly table: TableProps<Row>
  readonly anchor: { current: string | undefined }
}) {
  const id = idOf(row)
  const link = to?.(row)
  const isPicked = picks?.has(id) ?? false
  const pick = (event: MouseEvent): void => {
    const from = event.shiftKey ? rows.findIndex((other) => idOf(other) === anchor.current) : -1
    const [start, end] = from < 0 ? [index, index] : [Math.min(from, index), Math.max(from, index)]
    picks?.pick(rows.slice(start, end + 1).map(idOf), !isPicked)
    anchor.current = id
  }
  return (
    <tr
      data-row={index}
      aria-rowindex={index + 2}
      {...(picks && { 'aria-selected': isPicked })}
      onClick={(event) => {
        const inner =
          event.target instanceof Element && event.target.closest('a, button, input, label')
        if (link !== undefined && !inner && getSelection()?.isCollapsed !== false) {
          go(link)
        }
      }}
    >
      {picks && (
        <td class="pick">
          <label>
            <input
              type="checkbox"
              aria-label={`Select ${nameOf?.(row) ?? id}`}
              checked={isPicked}
              onClick={pick}
            />
          </label>
        </td>
      )}
      {columns.map((column, n) => (
        <Cell key={column.id} column={column} row={row} isFirst={n === 0} link={link} />
      ))}
    </tr>
  )
}

function Cell<Row>({
  column,
  row,
  isFirst,
  link,
}: {
  readonly column: Column<Row>
  readonly row: Row
  readonly isFirst: boolean
  readonly link: string | undefined
}) {
  const content = column.cell(row)
  const isVoid = content === null || content === undefined || content === false || content === ''
  return (
    <td class={`${kindOf(column)} ${isFirst ? 'first' : ''} ${isVoid ? 'void' : ''}`}>
      {isFirst && link !== undefined ? <a href={link}>{content}</a> : content}
    </td>
  )
}

function PickAll({ label, isOn, press }: Picks['all']) {
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (box.current) {
      box.current.indeterminate = isOn === 'some'
    }
  }, [isOn])
  return (
    <label>
      <input ref={box} type="checkbox" aria-label={label} checked={isOn === true} onClick={press} />
    </label>
  )
}

/** Keeps the height of rows that are not in the page. */
function Spacer({ height, columns }: { readonly height: number; readonly columns: number }) {
  return height > 0 ? (
    <tr aria-hidden="true">
      <td class="spacer" colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  ) : null
}

/** The words of {@link PageLinks} for a list that begins with what came last. */
export const NEWEST_FIRST = ['Newest', 'Older'] as const

/** The ways to the other pages of a list, if there are any. The page is the word `cursor` of the address. */
export function PageLinks({
  next,
  more = {},
  words: [first, further] = ['First page', 'Next page'],
}: {
  readonly next: string | null
  /** What the next page has in its address besides. */
  readonly more?: Readonly<Record<string, string>>
  readonly words?: readonly [first: string, further: string]
}) {
  const isFirst = !place.value.query.get('cursor')
  return isFirst && next === null ? null : (
    <nav class="pages" aria-label="Pages">
      {!isFirst && <a href={withQuery({ cursor: undefined })}>{first}</a>}
      {next !== null && <a href={withQuery({ ...more, cursor: next })}>{further}</a>}
    </nav>
  )
}
