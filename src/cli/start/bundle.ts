import { createRequire } from 'node:module'
import { build, stop as stopEsbuild, type Plugin } from 'esbuild'

/** The settings for bundling in wrangler.toml. */
export interface BundleConfig {
  configPath: string
  main: string
  alias: Readonly<Record<string, string>> | undefined
}

/** The Worker in one module, as `wrangler deploy` bundles it, but readable. */
export async function bundle({ configPath, main, alias = {} }: BundleConfig): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [main],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    plugins: [aliases(alias, createRequire(configPath))],
    sourcemap: 'inline',
    logLevel: 'silent',
  })
  await stopEsbuild()
  return outputFiles.map(({ text }) => text).join('')
}

/** Wrangler's aliases stand for exactly one name each; esbuild's stand for 'zod/v4' as well as for 'zod'. */
function aliases(alias: Readonly<Record<string, string>>, from: NodeJS.Require): Plugin {
  const targets = new Map(Object.entries(alias))
  return {
    name: 'alias',
    setup(esbuild) {
      esbuild.onResolve({ filter: /./ }, ({ path }) => {
        const target = targets.get(path)
        return target === undefined ? undefined : { path: from.resolve(target) }
      })
    },
  }
}
