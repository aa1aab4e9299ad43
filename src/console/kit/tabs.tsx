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
  return (
    <nav class="tabs" aria-label={label}>
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
