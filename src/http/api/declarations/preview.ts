import { inTime } from '../../../clock.ts'
import { loadCatalog, offersFor, withItem } from '../../../directory/declarations/catalog.ts'
import { devicesOfSets } from '../../../directory/declarations/members.ts'
import { enrolledAfter } from '../../../directory/devices/walk.ts'
import type { DeclarationItem } from '../../../ddm/item.ts'
import type { Offer } from '../../../ddm/manifest/offer.ts'
import type { Env } from '../../../env.ts'
import { reasonOf } from '../../../reason.ts'
import { warn } from '../../../log.ts'
import { pageOfRows, readCursor, writeCursor } from '../paging.ts'
import type { StoredJson } from './store.ts'

type Preview = NonNullable<StoredJson['preview']>
type Previewed = Preview['items'][number]

const PATIENCE = 10_000

/** A page of the devices of the sets, each asked for what it would be offered. Nothing is stored. */
export async function previewItem(
  env: Env,
  item: DeclarationItem,
  sets: readonly string[],
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Preview> {
  const [after = ''] = readCursor(cursor, /^preview (.+)$/s) ?? []
  const catalog = withItem(await loadCatalog(env.DB), item, sets)
  const isRuled = sets.some((name) => catalog.sets.get(name)?.rule)
  const devices = isRuled
    ? await enrolledAfter(env.DB, after, limit + 1)
    : await devicesOfSets(env.DB, sets, after, limit + 1)
  const { items, next } = pageOfRows({ rows: devices, total: null }, limit, {
    item: (device) => device,
    cursor: (device) => writeCursor(`preview ${device}`),
  })
  const offers = [...(await offersFor(env.DB, items, catalog))]
  const pages = offers.map(([device, offer]) => channelsOf(env, device, offer, item.identifier))
  const channels = (await Promise.all(pages)).flat()
  return { items: channels, next, counts: countsOf(channels), reasons: reasonsOf(channels) }
}

async function channelsOf(
  env: Env,
  device: string,
  offer: Offer,
  identifier: string,
): Promise<Previewed[]> {
  const none = { id: device, state: 'unknown' as const }
  try {
    const preview = await inTime(PATIENCE, env.DEVICE.getByName(device).offerDeclarations(offer))
    if (preview.kind !== 'preview') {
      return [{ ...none, reason: 'no device has enrolled with this id yet' }]
    }
    return preview.channels.flatMap(({ enrollment: id, offered, withheld }): Previewed[] => {
      const reason = withheld.find((one) => one.identifier === identifier)?.reason
      if (reason !== undefined) {
        return [{ id, state: 'withheld', reason }]
      }
      return offered.includes(identifier) ? [{ id, state: 'offered', reason: null }] : []
    })
  } catch (error) {
    warn('declarations:preview-failed', { device, reason: reasonOf(error) })
    return [{ ...none, reason: 'its object did not answer: ask for this page again' }]
  }
}

function countsOf(items: readonly Previewed[]): Preview['counts'] {
  const counts = { offered: 0, withheld: 0, unknown: 0 }
  for (const { state } of items) {
    counts[state] += 1
  }
  return counts
}

function reasonsOf(items: readonly Previewed[]): Preview['reasons'] {
  const groups = Map.groupBy(
    items.flatMap(({ reason }) => reason ?? []),
    (reason) => reason,
  )
  return [...groups]
    .map(([reason, { length: count }]) => ({ reason, count }))
    .toSorted((one, other) => other.count - one.count)
}
