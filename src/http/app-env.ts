import type { Context } from 'hono'
import { HonoBase } from 'hono/hono-base'
import { TrieRouter } from 'hono/router/trie-router'
import type { Config } from '../config/config.ts'
import type { Env } from '../env.ts'

export interface AppEnv {
  Bindings: Env
  Variables: { config: Config }
}

export type AppContext = Context<AppEnv>
export type App = HonoBase<AppEnv>

/** Routes. Hono's own constructor tries a router first that refuses our paths, and that is 1.6 KB of gzip. */
export function newApp(): App {
  return new HonoBase<AppEnv>({ router: new TrieRouter() })
}
