import { clock, inTime, withPauses } from '../../clock.ts'
import { ITSELF, type Address } from '../../device/store/address.ts'
import type { OfferTaken, OfferTerms } from '../../device/declarations/offer.ts'
import type { Offer } from '../../ddm/manifest/offer.ts'
import type { ChannelStates } from '../../ddm/states.ts'
import { warn } from '../../log.ts'
import { reasonOf } from '../../reason.ts'
import { loadCatalog, offersFor } from './catalog.ts'
import { forgetOtherUsers, storeStates } from './states.ts'

export interface OfferEnv {
  readonly DB: D1Database
  readonly DEVICE: {
    getByName(name: string): {
      offerDeclarations(offer: Offer, terms?: OfferTerms): Promise<OfferTaken>
    }
  }
}

interface OneOfferEnv extends OfferEnv {
  readonly DEVICE: {
    getByName(name: string): ReturnType<OfferEnv['DEVICE']['getByName']> & {
      declarations(address: Address, request: { readonly kind: 'unstored' }): Promise<unknown>
    }
  }
}

/** How long an offer waits for a device's object. */
const PATIENCE = 30_000
/** The devices that are called at the same time: those that synchronise meanwhile need the machine too. */
const AT_ONCE = 8

/**
 * Hands each device what the catalog has for it, and stores what is true of it then. The same again changes
 * nothing.
 *
 * @param forcedAt devices synchronise even without a change, unless they were asked since (milliseconds)
 * @returns the devices that did not answer, and those whose states the directory did not take
 */
export async function offerTo(
  env: OfferEnv,
  devices: readonly string[],
  forcedAt?: number,
): Promise<readonly string[]> {
  const offers = await offersFor(env.DB, devices)
  const answers = await withPauses([...offers], AT_ONCE, async ([device, offer]) => ({
    device,
    channels: await offerOne(env, device, offer, forcedAt),
  }))
  const silent = answers.filter(({ channels }) => !channels).map(({ device }) => device)
  return [...silent, ...(await storeAll(env.DB, answers))]
}

/** @returns the channels that have a list; `undefined` if the device's object did not answer */
async function offerOne(
  env: OfferEnv,
  device: string,
  offer: Offer,
  forcedAt?: number,
): Promise<readonly ChannelStates[] | undefined> {
  try {
    const terms = { uuid: crypto.randomUUID(), ...(forcedAt !== undefined && { forcedAt }) }
    const call = env.DEVICE.getByName(device).offerDeclarations(offer, terms)
    const answer = await inTime(PATIENCE, call)
    return answer.kind === 'offered' ? answer.channels : []
  } catch (error) {
    warn('declarations:device-unreachable', { device, reason: reasonOf(error) })
    return undefined
  }
}

interface Answered {
  readonly device: string
  readonly channels: readonly ChannelStates[] | undefined
}

/**
 * Stores the states of all devices in one step. If that fails, each device is stored for itself: one with
 * states that the directory cannot take does not hold up the others. @returns the devices that failed
 */
async function storeAll(d1: D1Database, answers: readonly Answered[]): Promise<readonly string[]> {
  try {
    await storeStates(
      d1,
      answers.flatMap(({ channels = [] }) => channels),
    )
    return []
  } catch (outage) {
    const failed: string[] = []
    const answered = answers.filter(({ channels }) => channels)
    for (const { device, channels = [] } of answered) {
      try {
        await storeStates(d1, channels)
      } catch (error) {
        warn('declarations:states-not-stored', { device, reason: reasonOf(error) })
        failed.push(device)
      }
    }
    if (failed.length > 1 && failed.length === answered.length) {
      // The fault is not in one of the devices: the caller repeats all of them.
      throw outage
    }
    return failed
  }
}

const LOOKS_EVERY = 30_000
/** When this isolate found no sets, by database. */
const emptyAt = new WeakMap<D1Database, number>()

/**
 * Offers a device that is due its declarations. While the deployment has no sets, this costs one read in
 * {@link LOOKS_EVERY}. If it fails, the next message of the device tries again.
 */
export async function offerIfDue(env: OneOfferEnv, device: string): Promise<void> {
  const now = clock.now()
  if (now - (emptyAt.get(env.DB) ?? -Infinity) < LOOKS_EVERY) {
    return
  }
  const { sets } = await loadCatalog(env.DB)
  if (sets.size === 0) {
    emptyAt.set(env.DB, now)
    return
  }
  const offer = (await offersFor(env.DB, [device])).get(device)
  const channels = offer && (await offerOne(env, device, offer))
  if (channels) {
    try {
      await storeStates(env.DB, channels)
      await forgetOtherUsers(
        env.DB,
        device,
        channels.map(({ enrollment }) => enrollment),
      )
    } catch (error) {
      await env.DEVICE.getByName(device).declarations(ITSELF, { kind: 'unstored' })
      throw error
    }
  }
}
