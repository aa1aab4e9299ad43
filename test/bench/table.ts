import type { Row } from './row.ts'

const MB = 1_000_000

type Column = readonly [title: string, width: number, text: (row: Row) => string]

const COLUMNS: readonly Column[] = [
  ['fleet', -8, ({ fleet }) => String(fleet)],
  ['kind', -11, ({ kind }) => kind],
  ['objects', -8, ({ objects }) => objects],
  ['/s', 6, ({ perSecond }) => perSecond.toFixed(0)],
  ['median ms', 10, ({ median }) => median.toFixed(1)],
  ['p99 ms', 8, ({ p99 }) => p99.toFixed(1)],
  ['CPU ms each', 12, ({ serverCpu }) => serverCpu.toFixed(3)],
  ['fsyncs each', 12, ({ fsyncs }) => fsyncs?.toFixed(1) ?? ''],
  ['in memory', 16, ({ objectsBefore, objectsAfter }) => `${objectsBefore} → ${objectsAfter}`],
  [
    'workerd MB',
    14,
    ({ memoryBefore, memoryAfter }) =>
      `${(memoryBefore / MB).toFixed(0)} → ${(memoryAfter / MB).toFixed(0)}`,
  ],
  ['MB each', 8, (row) => memoryEach(row)?.toFixed(3) ?? ''],
  [
    'afterwards',
    18,
    ({ afterwards }) =>
      afterwards ? `${afterwards.quietAfter} s, ${afterwards.cpu.toFixed(2)} s CPU` : '',
  ],
  ['load CPU', 9, ({ loadCpu }) => `${(loadCpu * 100).toFixed(0)} %`],
]

export function headOf(title: string): string {
  return `\n${title}\n${COLUMNS.map(([name, width]) => padded(name, width)).join('')}`
}

export function lineOf(row: Row): string {
  const line = COLUMNS.map(([, width, text]) => padded(text(row), width)).join('')
  return row.errors > 0 ? `${line}  ${row.errors} errors: ${row.firstError}` : line
}

/** The memory by which workerd grew, for each object by which their number grew. */
function memoryEach({
  objects,
  objectsBefore,
  objectsAfter,
  memoryBefore,
  memoryAfter,
}: Row): number | undefined {
  const grown = objectsAfter - objectsBefore
  // Freed memory is used again before a process grows, so only a new process tells.
  return objects === 'cold' && grown > 0 ? (memoryAfter - memoryBefore) / MB / grown : undefined
}

function padded(text: string, width: number): string {
  return width < 0 ? text.padEnd(-width) : text.padStart(width)
}
