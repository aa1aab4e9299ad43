import { place, withQuery } from '../../../place/router.ts'

/** The ways to the other pages of a list, if there are any. The page is the word `cursor` of the address. */
export function CatalogPages({
  next,
  more = {},
}: {
  readonly next: string | null
  /** What the next page has in its address besides. */
  readonly more?: Readonly<Record<string, string>>
}) {
  const isFirst = place.value.query.get('cursor') === null
  return isFirst && next === null ? null : (
    <nav class="pages" aria-label="Pages">
      {!isFirst && <a href={withQuery({ cursor: undefined })}>First page</a>}
      {next !== null && <a href={withQuery({ ...more, cursor: next })}>Next page</a>}
    </nav>
  )
}
