import { DurableObject } from 'cloudflare:workers'
import { configOf, type WebhookSettings } from '../config.ts'
import type { DeviceNamespace } from '../device/object.ts'
import { renderEvent } from '../events/event.ts'
import { reasonOf, warn } from '../log.ts'
import { deliver, type DeliveryPorts } from './deliver.ts'
import {
  newLine,
  nextTry,
  settle,
  startable,
  wake,
  type Line,
  type ReceiverCircuit,
} from './line.ts'
import { post } from './post.ts'

export interface SubscriberEnv {
  readonly DEVICE: DeviceNamespace
}

const CIRCUIT = 'receiver'
const GIVEN_UP = 'given-up'
/** A timer keeps the object in memory, which is paid for: longer waits are the alarm's. */
const LONGEST_TIMER = 60_000
/** The device's own alarm brings back whoever could not be reached. */
const UNREACHABLE_WAIT = 5000

/** One webhook's posts: the only reader of its cursors (design.md 4). Its name is the webhook's id. */
export class Subscriber extends DurableObject<SubscriberEnv> {
  #line: Line | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** These devices have news. Answers at once; posting goes on by itself. */
  async wake(devices: readonly string[]): Promise<void> {
    const webhook = this.#webhook()
    if (webhook) {
      const line = this.#open(webhook)
      for (const device of devices) {
        wake(line, device)
      }
      this.#pump()
    }
  }

  override alarm(): void {
    this.#pump()
  }

  #open({ concurrency }: WebhookSettings): Line {
    this.#line ??= newLine(concurrency, this.ctx.storage.kv.get<ReceiverCircuit>(CIRCUIT))
    return this.#line
  }

  #pump(): void {
    const webhook = this.#webhook()
    if (!webhook) {
      return
    }
    const line = this.#open(webhook)
    for (const device of startable(line, webhook.concurrency, Date.now())) {
      this.ctx.waitUntil(this.#deliver(line, webhook, device))
    }
    this.#schedule(nextTry(line))
  }

  async #deliver(line: Line, webhook: WebhookSettings, device: string): Promise<void> {
    try {
      await deliver(line, this.#ports(line, webhook), device)
    } catch (error) {
      warn('webhook:device-unreachable', { device, reason: reasonOf(error) })
      settle(line, device, Date.now(), UNREACHABLE_WAIT)
    }
    this.#pump()
  }

  #schedule(at: number | undefined): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const wait = at === undefined ? undefined : Math.max(at - Date.now(), 0)
    if (wait === undefined || (wait === 0 && this.#line && this.#line.busy.size > 0)) {
      return
    }
    if (wait > LONGEST_TIMER) {
      this.ctx.waitUntil(this.ctx.storage.setAlarm(Date.now() + wait))
      return
    }
    this.#timer = setTimeout(() => {
      this.#pump()
    }, wait)
  }

  #webhook(): WebhookSettings | undefined {
    const result = configOf(this.env)
    return result.ok ? result.config.webhooks.find(({ id }) => id === this.ctx.id.name) : undefined
  }

  #ports(line: Line, webhook: WebhookSettings): DeliveryPorts {
    const { kv } = this.ctx.storage
    return {
      concurrency: webhook.concurrency,
      now: () => Date.now(),
      pull: (device, request) =>
        this.env.DEVICE.getByName(device).pull({
          ...request,
          subscriber: webhook.id,
          topics: webhook.topics,
        }),
      post: (event) => post(webhook, renderEvent(event), Date.now()),
      keepCircuit: () => {
        kv.put(CIRCUIT, line.circuit)
      },
      countGivenUp: () => {
        const count = (kv.get<number>(GIVEN_UP) ?? 0) + 1
        kv.put(GIVEN_UP, count)
        return count
      },
      note: (event, detail) => {
        warn(event, { webhook: webhook.id, ...detail })
      },
    }
  }
}
