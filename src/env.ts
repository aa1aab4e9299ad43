import type { Audit } from './audit/object.ts'
import type { ConsumerEnv } from './consumer.ts'
import type { Control } from './control/object.ts'
import type { DepStub } from './dep-account/import.ts'
import type { Job } from './jobs/job.ts'
import type { Live } from './live/object.ts'
import type { DeviceNamespace } from './device/stub.ts'
import type { DeviceEnv } from './device/runtime/runtime.ts'

/** Bindings of wrangler.toml. Only config.ts reads vars and secrets. */
export interface Env extends ConsumerEnv, DeviceEnv {
  readonly DEVICE: DeviceNamespace
  readonly DEP: { getByName(name: string): DepStub }
  readonly CONTROL: { getByName(name: string): Omit<Control, 'alarm'> }
  readonly AUDIT: { getByName(name: string): Omit<Audit, 'alarm'> }
  readonly LIVE: { getByName(name: string): Live }
  /** Absent where the account has no R2. */
  readonly REPO?: R2Bucket
  readonly JOB: { getByName(name: string): Omit<Job, 'alarm'> }
  /** Files that the build writes. Absent where wrangler.toml has no `assets`. */
  readonly ASSETS?: Pick<Fetcher, 'fetch'>
}
