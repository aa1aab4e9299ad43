/** The API's types. `npm run types` writes them from docs/openapi.json (src/cli/build/api-types.ts). */
import type { components, paths } from '../../../dist/api.d.ts'

export type { paths as Paths }
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name]

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** The paths that have a method. */
export type PathWith<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends object ? P : never
}[keyof paths]

/** What an operation is sent. */
export type Parameters<O> = (O extends { parameters: { path: infer Path extends object } }
  ? { readonly path: Path }
  : { readonly path?: never }) &
  (O extends { parameters: { query?: infer Query } } ? { readonly query?: Query } : unknown) &
  (O extends { requestBody?: { content: { 'application/json': infer Body } } }
    ? { readonly body?: Body }
    : unknown)

type Good = 200 | 201 | 202
type ContentOf<R> = R extends { content: { 'application/json': infer Body } } ? Body : undefined

/** What an operation answers when it succeeds. */
export type AnswerOf<O> = O extends { responses: infer R }
  ? { [S in Extract<keyof R, Good>]: ContentOf<R[S]> }[Extract<keyof R, Good>]
  : never
