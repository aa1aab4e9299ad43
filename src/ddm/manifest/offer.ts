import type { DeclarationItem } from '../item.ts'
import type { Rule } from './rule.ts'

/** The sets of the catalog that may concern a device, with their declarations. Its object decides. */
export interface Offer {
  /** Of the catalog that it was read from: an object takes no older one. */
  readonly revision: number
  readonly items: readonly DeclarationItem[]
  readonly sets: readonly OfferedSet[]
  /** By the user of a channel, empty text for the device channel: the sets that it was put into. */
  readonly members: Readonly<Record<string, readonly string[]>>
}

export interface OfferedSet {
  readonly name: string
  /** Channels that belong to the set by themselves. */
  readonly rule?: Rule
  /** Places in `items`. */
  readonly items: readonly number[]
}

/** @returns the declarations of all sets that hold a channel, each once, in the order of the offer */
export function itemsFor(
  offer: Pick<Offer, 'items' | 'sets'>,
  isMember: (set: OfferedSet) => boolean,
): DeclarationItem[] {
  const places = new Set(offer.sets.filter(isMember).flatMap(({ items }) => items))
  return offer.items.filter((_, place) => places.has(place))
}
