/** The calls of `/api/moves`. */
import { ApiError, type AdminAccess, callApi } from '../api-client.ts'
import type { PlannedItem } from './plan.ts'

/** A move as the API shows it. */
export interface MoveView {
  readonly id: string
  readonly name: string
  readonly digest: string
  readonly state: 'open' | 'activating' | 'active'
  readonly created_at: string
  readonly items: Readonly<Record<string, number>>
  readonly devices: Readonly<Record<string, number>>
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail: string
  }[]
}

/** An item as the API lists it. */
export interface SentItem {
  readonly id: string
  readonly digest: string
  readonly standing: string | null
  readonly outcome: string | null
  readonly remark: string | null
}

/** An answer's text. A body is JSON, or a file. */
export type Call = (method: string, path: string, body?: object | Blob) => Promise<string>

export interface Patience {
  readonly sleep: (milliseconds: number) => Promise<unknown>
  /** Of a call that is repeated. */
  readonly say: (text: string) => void
}

const MOVES = '/api/moves'
const TRIES = 14
const SECOND = 1000
const LONGEST = 15 * SECOND
const TIME_OUT = 120 * SECOND
/** Of a file, as slow as a line may be. */
const BYTES_PER_MILLISECOND = 50
/** A state of the server, which does not end by waiting. */
const NO_BUCKET = 'no_bucket'
/** The server is busy, or what stands before it does not reach it. */
const LATER: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Calls that are repeated when the server is busy or does not answer: about two minutes long. The first call
 * finds out whether a server is there, and is not repeated.
 */
export function patientCalls(access: AdminAccess, { sleep, say }: Patience): Call {
  let isThere = false
  return async (method, path, body) => {
    for (let tries = 1; ; tries++) {
      try {
        const size = body instanceof Blob ? body.size : 0
        const signal = AbortSignal.timeout(TIME_OUT + Math.ceil(size / BYTES_PER_MILLISECOND))
        const sent = body instanceof Blob ? body : body && JSON.stringify(body)
        const text = await callApi(access, path, { method, signal, ...(sent && { body: sent }) })
        isThere = true
        return text
      } catch (error) {
        const isLater =
          error instanceof ApiError &&
          error.code !== NO_BUCKET &&
          (error.status === undefined ? isThere : LATER.has(error.status))
        if (!isLater || tries === TRIES) {
          throw error
        }
        const wait = Math.max(error.retryAfter * SECOND, Math.min(LONGEST, 250 * 2 ** tries))
        say(`${error.message}: trying again in ${wait / SECOND} s`)
        await sleep(wait)
      }
    }
  }
}

/** The newest first. */
export async function listMovesAt(call: Call): Promise<readonly MoveView[]> {
  const answer: { items: MoveView[] } = JSON.parse(await call('GET', MOVES))
  return answer.items
}

export async function readMove(call: Call, id: string): Promise<MoveView> {
  return JSON.parse(await call('GET', `${MOVES}/${id}`))
}

/** Begins it, or goes on with the one of the same copy. */
export async function beginMove(call: Call, facts: object): Promise<MoveView> {
  return JSON.parse(await call('POST', MOVES, facts))
}

export async function activateAt(
  call: Call,
  id: string,
  options: { readonly without_push: boolean },
): Promise<MoveView> {
  return JSON.parse(await call('POST', `${MOVES}/${id}/activate`, options))
}

export async function discardAt(call: Call, id: string): Promise<void> {
  await call('DELETE', `${MOVES}/${id}`)
}

export async function storeItems(
  call: Call,
  id: string,
  items: readonly { readonly kind: string; readonly id: string; readonly data: string }[],
): Promise<void> {
  await call('PUT', `${MOVES}/${id}/items`, { items })
}

/** All items of a kind that the server has. */
export async function* itemsAt(
  call: Call,
  id: string,
  kind: PlannedItem['kind'],
): AsyncGenerator<SentItem> {
  let cursor = ''
  do {
    const path = `${MOVES}/${id}/items?kind=${kind}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const page: { items: SentItem[]; next: string | null } = JSON.parse(await call('GET', path))
    yield* page.items
    cursor = page.next ?? ''
  } while (cursor !== '')
}
