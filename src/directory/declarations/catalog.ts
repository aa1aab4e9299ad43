import type { DeclarationItem, Rollout } from '../../ddm/item.ts'
import type { Offer, OfferedSet } from '../../ddm/manifest/offer.ts'
import type { Rule } from '../../ddm/manifest/rule.ts'
import { among, readAll, readOne, sql, writeAll } from '../sql.ts'

/** The declarations and sets as they are at a revision, without payloads. */
export interface Catalog {
  readonly revision: number
  readonly items: ReadonlyMap<string, DeclarationItem>
  readonly sets: ReadonlyMap<string, CatalogSet>
}

export interface CatalogSet {
  readonly name: string
  readonly rule?: Rule
  readonly members: readonly string[]
}

export const REVISION = sql<{ revision: number }>`SELECT revision FROM declaration_catalog`

interface ItemRow {
  readonly identifier: string
  readonly touches: number
  readonly item: string
  readonly rollout: string
}

interface LinkRow {
  readonly name: string
  readonly identifier: string
}

interface RuleRow {
  readonly name: string
  readonly rule: string
}

const ITEMS = sql<ItemRow>`SELECT identifier, touches, item, rollout FROM declarations ORDER BY identifier`
const LINKS = sql<LinkRow>`SELECT set_name AS name, identifier FROM declaration_sets
  ORDER BY set_name, identifier`
const RULES = sql<RuleRow>`SELECT set_name AS name, rule FROM set_rules WHERE rule <> ''`

/** What this isolate read last, by database. */
const known = new WeakMap<D1Database, Catalog>()

/** The catalog as it is now. Only its revision is read again while nothing has changed. */
export async function loadCatalog(d1: D1Database): Promise<Catalog> {
  const before = known.get(d1)
  const revision = (await readOne(d1, REVISION))?.revision ?? 0
  if (before?.revision === revision) {
    return before
  }
  if (revision === 0) {
    return { revision, items: new Map(), sets: new Map() }
  }
  const [at, items, links, rules] = await writeAll(d1, [REVISION, ITEMS, LINKS, RULES])
  const catalog = {
    revision: at.results[0]?.revision ?? 0,
    items: new Map(items.results.map((row) => [row.identifier, itemOf(row)])),
    sets: setsOf(links.results, rules.results),
  }
  known.set(d1, catalog)
  return catalog
}

function itemOf({ identifier, touches, item, rollout }: ItemRow): DeclarationItem {
  const stored: Omit<DeclarationItem, 'identifier'> = JSON.parse(item)
  const staged: Rollout | undefined = rollout ? JSON.parse(rollout) : undefined
  return {
    ...stored,
    identifier,
    token: touches === 0 ? stored.token : `${stored.token}.${touches}`,
    ...(staged && { rollout: staged }),
  }
}

function setsOf(
  links: readonly LinkRow[],
  rules: readonly RuleRow[],
): ReadonlyMap<string, CatalogSet> {
  const identifiers = Map.groupBy(links, ({ name }) => name)
  const byName = new Map(rules.map(({ name, rule }) => [name, rule]))
  return new Map(
    [...new Set([...identifiers.keys(), ...byName.keys()])].map((name) => {
      const rule = byName.get(name)
      return [
        name,
        {
          name,
          ...(rule && { rule: JSON.parse(rule) }),
          members: (identifiers.get(name) ?? []).map(({ identifier }) => identifier),
        },
      ]
    }),
  )
}

/** The catalog as it would be with an item, which these sets have. */
export function withItem(
  catalog: Catalog,
  item: DeclarationItem,
  sets: readonly string[],
): Catalog {
  const { identifier } = item
  const names = new Set([...catalog.sets.keys(), ...sets])
  return {
    ...catalog,
    items: new Map([...catalog.items, [identifier, item]]),
    sets: new Map(
      [...names].map((name) => {
        const before = catalog.sets.get(name) ?? { name, members: [] }
        const others = before.members.filter((one) => one !== identifier)
        const members = sets.includes(name) ? [...others, identifier] : others
        return [name, { ...before, members }]
      }),
    ),
  }
}

/**
 * The offers for these devices. The catalog is read before the memberships: a change in between has a later
 * revision, and an object prefers the offer of that one.
 */
export async function offersFor(
  d1: D1Database,
  devices: readonly string[],
  asIf?: Catalog,
): Promise<ReadonlyMap<string, Offer>> {
  const catalog = asIf ?? (await loadCatalog(d1))
  const members = sql<MemberRow>`SELECT device, user, set_name AS name FROM enrollment_sets
    WHERE device IN ${among(devices)} ORDER BY device, user, set_name`
  const rows = Map.groupBy(await readAll(d1, members), ({ device }) => device)
  return new Map(devices.map((device) => [device, offerOf(catalog, rows.get(device) ?? [])]))
}

interface MemberRow {
  readonly device: string
  readonly user: string
  readonly name: string
}

function offerOf({ revision, items, sets }: Catalog, rows: readonly MemberRow[]): Offer {
  const names = new Set(rows.map(({ name }) => name))
  const offered = [...sets.values()].filter(({ name, rule }) => rule || names.has(name))
  const identifiers = [...new Set(offered.flatMap(({ members }) => members))]
  const places = new Map(identifiers.map((identifier, place) => [identifier, place]))
  return {
    revision,
    items: identifiers.flatMap((identifier) => items.get(identifier) ?? []),
    sets: offered.map(({ name, rule, members }): OfferedSet => ({
      name,
      ...(rule && { rule }),
      items: members.flatMap((identifier) => places.get(identifier) ?? []),
    })),
    members: Object.fromEntries(
      [...Map.groupBy(rows, ({ user }) => user)].map(([user, of]) => [
        user,
        of.map(({ name }) => name),
      ]),
    ),
  }
}
