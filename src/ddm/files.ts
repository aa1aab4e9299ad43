/** A hosted file, as declarations name it. */
export interface FileFacts {
  /** Lower-case hex. */
  readonly sha256: string
  /** In bytes. */
  readonly size: number
  readonly contentType: string
  /** Its PayloadIdentifier, if it is a configuration profile; else empty. */
  readonly profile: string
}

/** What devices may fetch of the files that a payload names. */
export interface Hosted {
  readonly sha256s: readonly string[]
  /** The PayloadIdentifiers of those that are configuration profiles. */
  readonly profiles: readonly string[]
}

export type Expanded =
  | (Hosted & {
      /** The payload as devices get it. */
      readonly payload: unknown
      readonly names: readonly string[]
    })
  | { readonly fault: string }

/** The path of the route by which devices fetch a file; its SHA-256 follows. */
export const FILES_PATH = '/ddm/files/'

/** What an admin may call a file. */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** A media type with parameters, as a header may hold it (RFC 9110 §8.3.1). */
export const MEDIA_TYPE =
  /^[\w!#$&^.+-]{1,64}\/[\w!#$&^.+-]{1,64}(; ?[\w.-]{1,32}=[\w.-]{1,64}){0,4}$/

/** The keys by which a device downloads with its identity. */
export const FILE_KEYS = ['DataURL', 'ProfileURL', 'ManifestURL']

const PREFIX = 'file:'

/** The names of the files that a payload refers to, each once. */
export function filesIn(payload: unknown): string[] {
  const names = new Set<string>()
  replaced(payload, (name) => {
    names.add(name)
    return {}
  })
  return [...names]
}

/**
 * Replaces `file:NAME` in a payload by the URL of that file. Beside a `DataURL`, the keys that describe its
 * data are filled in where they are absent (Apple, "AssetDataReferenceObject").
 *
 * @param origin where devices reach this server, without a slash at the end
 * @returns the fault as a sentence, if a file does not exist or the payload contradicts it
 */
export function expandFiles(
  payload: unknown,
  files: ReadonlyMap<string, FileFacts>,
  origin: string,
): Expanded {
  const used = new Map<string, FileFacts>()
  const faults: string[] = []
  const expanded = replaced(payload, (name, key, beside) => {
    const file = files.get(name)
    if (!file) {
      faults.push(`no file is named ${name}: upload it with PUT /api/files/${name} first`)
      return {}
    }
    used.set(name, file)
    const facts = { ContentType: file.contentType, Size: file.size, 'Hash-SHA-256': file.sha256 }
    const about = key === 'DataURL' ? { ...facts, ...beside } : facts
    faults.push(...faultsOf(name, facts, about))
    const query = `?type=${encodeURIComponent(about.ContentType)}`
    const url = `${origin}${FILES_PATH}${file.sha256}${query}`
    return key === 'DataURL' ? { ...about, [key]: url } : { [key]: url }
  })
  if (used.size > 0 && Object(Object(payload)['Authentication'])['Type'] === 'None') {
    faults.push('Authentication: files are given to managed devices only, so leave it out')
  }
  const [fault] = faults
  return fault === undefined
    ? {
        payload: expanded,
        names: [...used.keys()],
        sha256s: [...new Set([...used.values()].map(({ sha256 }) => sha256))],
        profiles: [...used.values()].flatMap(({ profile }) => (profile === '' ? [] : [profile])),
      }
    : { fault }
}

type Facts = Readonly<Record<'ContentType' | 'Size' | 'Hash-SHA-256', unknown>>

/** What a reference says and its file is not: a device would refuse the data. */
function faultsOf(name: string, facts: Facts, said: Facts): string[] {
  const wrong = (['Size', 'Hash-SHA-256'] as const).filter((key) => said[key] !== facts[key])
  const isType = typeof said.ContentType === 'string' && MEDIA_TYPE.test(said.ContentType)
  return [
    ...wrong.map((key) => `${key}: the file ${name} has ${String(facts[key])}; leave the key out`),
    ...(isType ? [] : ['ContentType: it is no media type, such as application/json']),
  ]
}

/** A copy of a JSON value in which the objects that name files have these keys. */
function replaced(
  value: unknown,
  keysFor: (name: string, key: string, beside: object) => object,
): unknown {
  if (Array.isArray(value)) {
    return value.map((one) => replaced(one, keysFor))
  }
  if (typeof value !== 'object' || value === null) {
    return value
  }
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, replaced(one, keysFor)]),
  )
  for (const key of FILE_KEYS) {
    const text = copy[key]
    if (typeof text === 'string' && text.startsWith(PREFIX)) {
      Object.assign(copy, keysFor(text.slice(PREFIX.length), key, copy))
    }
  }
  return copy
}
