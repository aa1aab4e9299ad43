import type { Config } from '../config/config.ts'
import type { Env } from '../env.ts'

export interface AppEnv {
  Bindings: Env
  Variables: { config: Config }
}
