/** A figure beside its budget. A budget that is missed is said, and ends nothing: machines differ. */
export interface Figure {
  readonly value: number
  readonly text: string
}

export function figureOf(value: number, unit: 'ms' | 's' | 'MB'): Figure {
  return { value, text: `${value.toFixed(unit === 's' ? 2 : 0)} ${unit}` }
}

/** The value below which so many of a hundred lie. */
export function percentile(values: readonly number[], hundredths: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil((sorted.length * hundredths) / 100) - 1] ?? Number.NaN
}

/** @param budget in the unit of the figure */
export function tellFigure(what: string, { value, text }: Figure, budget: number): void {
  const unit = text.split(' ').at(-1)
  const verdict = value <= budget ? 'met' : 'MISSED'
  console.log(`${what.padEnd(72)}${text.padStart(10)}  of ${budget} ${unit}: ${verdict}`)
}
