import type { ComponentChildren } from 'preact'

/** Names and values, in two columns where there is room. */
export function Facts({
  of,
}: {
  readonly of: readonly (readonly [name: string, value: ComponentChildren])[]
}) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A part of a screen, with its heading and what one can do there. */
export function Section({
  title,
  actions,
  children,
}: {
  readonly title: string
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}) {
  return (
    <section>
      <header class="bar">
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  )
}
