/** The form in which `GET /api/command-types/{type}` describes a command: what a form or a script needs. */
import type { Platform } from '../apple/platform.ts'
import type { CommandGroup } from './groups.ts'

/** Where a key exists. Apple counts iPadOS as iOS. */
export interface KeyThere {
  readonly platform: Platform
  readonly since: string
  readonly deprecated?: string
  readonly removed?: string
  /** The device has to be supervised. */
  readonly supervised?: boolean
}

/** Where a command exists, and on which enrolments. */
export interface There extends KeyThere {
  readonly channels: readonly ('device' | 'user')[]
  readonly shared_ipad: readonly ('device' | 'user')[]
  readonly user_enrollment: boolean
  /** The device has to have come by Automated Device Enrolment. */
  readonly automated_enrollment: boolean
}

/** A key of a command, or of an inner dictionary. What does not apply to it is absent. */
export interface TypeKey {
  readonly key: string
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly required?: true
  readonly may_be_empty?: true
  readonly secret?: true
  readonly length?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: string | number | boolean
  readonly values?: readonly KeyValue[]
  /** Absent if the key exists wherever what holds it exists. */
  readonly availability?: readonly KeyThere[]
  readonly keys?: readonly TypeKey[]
  readonly item?: TypeKey
  readonly kinds?: readonly KeyKind[]
  /** The keys inside are an app's own. */
  readonly any_keys?: true
}

interface KeyValue {
  readonly value: string | number | boolean
  readonly availability?: readonly KeyThere[]
  readonly replacement?: string
}

interface KeyKind {
  readonly item: string
  readonly title: string
  readonly availability: readonly KeyThere[]
  readonly replacement?: string
  readonly keys: readonly TypeKey[]
}

export interface TypeDocument {
  readonly request_type: string
  readonly group: CommandGroup
  readonly description: string
  readonly loses: string | null
  readonly secret: boolean
  readonly destructive: boolean
  readonly replacement: string | null
  readonly availability: readonly There[]
  readonly one_of: readonly string[]
  readonly keys: readonly TypeKey[]
}
