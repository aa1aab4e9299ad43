import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import type { Schema } from '../../api/types.ts'

/** Who queued a command: " by Ada". Only an admin may read the names of keys. */
export function Queuer({ of: by }: { readonly of: Schema<'Command'>['queued_by'] }) {
  if (by?.actor) {
    return <Named name={by.actor} />
  }
  if (by?.face === 'server') {
    return <Named name="the server" />
  }
  if (!by?.key) {
    return null
  }
  return may('admin') ? <NamedKey id={by.key} /> : <Named name={`API key ${by.key}`} />
}

function NamedKey({ id }: { readonly id: string }) {
  const keys = useRead('/api/keys', {}).state.value.value?.items
  return <Named name={keys?.find((key) => key.id === id)?.name ?? `API key ${id}`} />
}

function Named({ name }: { readonly name: string }) {
  return (
    <>
      {' by '}
      <bdi>{name}</bdi>
    </>
  )
}
