/** How the document of the API describes the events of a topic. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { EventAbout } from '../../../events/event.ts'

export type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>
export type Schema = NonNullable<NonNullable<Document['components']>['schemas']>[string]
type Fields = Readonly<Record<string, Schema>>

/** The events of one topic: their cause, the fields that not all events have, and an example. */
export interface Kind {
  readonly says: string
  readonly always?: Fields
  readonly sometimes?: Fields
  readonly example?: Omit<EventAbout, 'enrollment' | 'params'>
  /** The event has no message. */
  readonly isEmpty?: true
}

export const yes = (description: string): Schema => ({ type: 'boolean', const: true, description })
export const text = (description: string): Schema => ({ type: 'string', description })
