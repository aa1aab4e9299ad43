import { useEffect, useRef } from 'preact/hooks'

/** A line of the palette. A dangerous one stands last, and only opens what asks again. */
export type PaletteEntry = {
  readonly label: string
  readonly danger?: boolean
} & ({ readonly to: string } | { readonly run: () => unknown })

/** The lines of all that is mounted. */
const mounted = new Set<{ current: readonly PaletteEntry[] }>()

/** Gives lines to the palette while a screen is mounted: what one can do there. */
export function usePalette(entries: readonly PaletteEntry[]): void {
  const own = useRef(entries)
  own.current = entries
  useEffect(() => {
    mounted.add(own)
    return () => {
      mounted.delete(own)
    }
  }, [])
}

/** What one can do on the present screen, the dangerous last. */
export function presentEntries(): PaletteEntry[] {
  const entries = [...mounted].flatMap(({ current }) => current)
  return [...entries.filter(({ danger }) => !danger), ...entries.filter(({ danger }) => danger)]
}
