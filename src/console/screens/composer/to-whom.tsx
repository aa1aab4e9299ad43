import { Fragment } from 'preact'
import { useRead } from '../../api/read.ts'
import { chipsOf } from '../devices/filter.ts'
import type { Target } from '../devices/selection.ts'
import { countedDevices } from './text.ts'

/** So many of the picked devices are named. */
const NAMED = 3

/** Which devices get the command: how many, and by what they were found. */
export function ToWhom({
  query,
  target,
  total,
}: {
  readonly query: URLSearchParams
  readonly target: Target
  readonly total: number
}) {
  const devices = countedDevices(total)
  if ('ids' in target) {
    const more = target.ids.length - NAMED
    return (
      <p class="dim">
        To {devices}.{' '}
        {target.ids.slice(0, NAMED).map((id, n) => (
          <Fragment key={id}>
            {n > 0 && ', '}
            <Name id={id} />
          </Fragment>
        ))}
        {more > 0 && ` and ${more.toLocaleString('en-GB')} more`}
      </p>
    )
  }
  const left = target.except?.length ?? 0
  const search = query.get('q') ?? ''
  const found = [
    ...(search === '' ? [] : [`Search: ${search}`]),
    ...chipsOf(query).map(({ label, value }) => `${label}: ${value}`),
    ...(left === 0 ? [] : [`without ${countedDevices(left)}`]),
  ].join('; ')
  const all = `To all devices: ${total.toLocaleString('en-GB')}.`
  const whom = 'all' in target ? all : `To ${devices}.`
  return <p class="dim">{found === '' ? whom : `${whom} ${found}`}</p>
}

function Name({ id }: { readonly id: string }) {
  const { value } = useRead('/api/devices/{id}', { path: { id } }).state.value
  return (
    <a href={`/console/devices/${encodeURIComponent(id)}`}>
      <bdi>{value?.device_name || value?.serial_number || id}</bdi>
    </a>
  )
}
