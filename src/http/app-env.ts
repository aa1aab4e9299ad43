import type { Context } from 'hono'
import { HonoBase } from 'hono/hono-base'
import { TrieRouter } from 'hono/router/trie-router'
import type { Config } from '../config/config.ts'
import type { Deed } from './access/deed.ts'
import type { Caller } from '../keys/caller.ts'
import type { Env } from '../env.ts'

export interface AppEnv {
  Bindings: Env
  Variables: {
    config: Config
    /** Whether Control may hold seal keys that `config` lacks. */
    mayLackKeys: boolean
    /** Behind a gate. */
    caller: Caller
    /** What the audit will have, for a request that changes or reveals something. */
    deed: Deed | undefined
  }
}

export type AppContext = Context<AppEnv>
export type App = HonoBase<AppEnv>

/** Routes. Hono's own constructor tries a router first that refuses our paths, and that is 1.6 KB of gzip. */
export function newApp(): App {
  return new HonoBase<AppEnv>({ router: new TrieRouter() })
}
