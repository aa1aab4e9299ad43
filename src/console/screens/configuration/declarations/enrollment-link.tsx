import type { NameOf } from '../../../api/names.ts'

/** A device, or a user of one (`UDID:UserID`), by the name of the device. It leads to its declarations. */
export function EnrollmentLink({ id, nameOf }: { readonly id: string; readonly nameOf: NameOf }) {
  const [device = '', user] = id.split(/:(.*)/s)
  const query = user === undefined ? '' : `&channel=${encodeURIComponent(id)}`
  return (
    <a href={`/console/devices/${encodeURIComponent(device)}?tab=declarations${query}`} title={id}>
      <bdi>{nameOf({ id: device })}</bdi>
      {user !== undefined && (
        <span class="dim">
          {' '}
          user <bdi>{user}</bdi>
        </span>
      )}
    </a>
  )
}
