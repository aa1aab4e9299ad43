import { log } from '../log.ts'
import type { AccountNews } from '../device/outbox/account.ts'
import type { DepNews } from '../events/event.ts'
import type { DepTopic } from '../events/topics.ts'

export interface TellEnv {
  readonly DEVICE: { getByName(name: string): { recordNews(news: AccountNews): Promise<void> } }
}

/** No device has such an id: a colon stands before the user of an enrolment. */
export function outboxOf(account: string): string {
  return `dep:${account}`
}

/** How much of an event a line of the log has: an event may name a thousand devices. */
const MAX_LOGGED = 1000

/** Tells webhooks and the log what is new of an account. */
export async function tellDep(
  env: TellEnv,
  account: string,
  { topic, about }: { readonly topic: DepTopic; readonly about: Omit<DepNews, 'account'> },
): Promise<void> {
  log('dep:event', { account, topic, about: JSON.stringify(about).slice(0, MAX_LOGGED) })
  const outbox = env.DEVICE.getByName(outboxOf(account))
  await outbox.recordNews({ id: crypto.randomUUID(), topic, dep: { ...about, account } })
}
