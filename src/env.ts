import type { ConsumerEnv } from './consumer.ts'
import type { Job } from './jobs/job.ts'
import type { Renewals } from './jobs/renewals.ts'
import type { DeviceEnv } from './device/object.ts'

/** Bindings of wrangler.toml. Vars and secrets are config.ts's alone. */
export interface Env extends ConsumerEnv, DeviceEnv {
  readonly JOB: {
    getByName(name: string): Pick<Job, 'known' | 'create' | 'view' | 'outcomes' | 'cancel'>
  }
  readonly RENEWALS: {
    getByName(name: string): Pick<Renewals, 'begin' | 'choose' | 'status'>
  }
}
