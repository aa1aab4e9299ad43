import { useEffect, useRef } from 'preact/hooks'

/** Links between the parts of a screen: each has an address. */
export function Tabs({
  label,
  tabs,
  current,
}: {
  readonly label: string
  readonly tabs: readonly {
    readonly id: string
    readonly to: string
    readonly label: string
    readonly count?: number | undefined
  }[]
  readonly current: string
}) {
  const row = useRef<HTMLElement>(null)
  const places = tabs.map(({ id }) => id).join(' ')
  useEffect(() => {
    const shown = row.current?.querySelector<HTMLElement>('[aria-current]')
    if (row.current && shown) {
      // On a phone the row scrolls: the tab that is shown stands in its middle.
      row.current.scrollLeft = shown.offsetLeft - (row.current.clientWidth - shown.offsetWidth) / 2
    }
  }, [current, places])
  return (
    <nav class="tabs" aria-label={label} ref={row}>
      {tabs.map((tab) => (
        <a
          key={tab.id}
          href={tab.to}
          {...(tab.id === current && { 'aria-current': 'page' as const })}
        >
          {tab.label}
          {tab.count !== undefined && tab.count > 0 && <span class="count">{tab.count}</span>}
        </a>
      ))}
    </nav>
  )
}
