/** What `GET /account` says, as far as the server looks into it. */
import { isObject } from '../apple/declarations.ts'
import { shallowJson } from '../dep/bounds.ts'
import type { DepAccountDetail } from '../dep/records.ts'

/** Devices on a page if Apple names no limit (Apple, "Fetch Devices"). */
const MAX_DEVICES = 1000

export interface ReadDetail {
  readonly known: DepAccountDetail
  readonly row: {
    readonly serverUuid: string
    readonly serverName: string
    readonly organization: string
  }
}

/** The details of an account, and what lists show of them. */
export function readDetail(json: unknown): ReadDetail {
  const known: DepAccountDetail = shallowJson(json)
  const text = (key: string): string => {
    const value = known[key]
    return typeof value === 'string' ? value : ''
  }
  return {
    known,
    row: {
      serverUuid: text('server_uuid'),
      serverName: text('server_name'),
      organization: text('org_name'),
    },
  }
}

/** How many devices a page may have. @param path of the call */
export function limitOf({ urls }: DepAccountDetail, path: string): number {
  const found: unknown = Array.isArray(urls)
    ? urls.find((one: unknown) => isObject(one) && one['uri'] === path)
    : undefined
  const limit = isObject(found) && isObject(found['limit']) ? found['limit']['maximum'] : undefined
  return typeof limit === 'number' && limit >= 1
    ? Math.min(Math.floor(limit), MAX_DEVICES)
    : MAX_DEVICES
}
