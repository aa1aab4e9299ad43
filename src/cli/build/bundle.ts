import { build, stop as stopEsbuild, type BuildOptions } from 'esbuild'

/**
 * Modules of the Worker and all that they import in one module.
 *
 * @param projectDir the directory of wrangler.toml
 */
export async function bundle(projectDir: string, options: BuildOptions): Promise<string> {
  const { outputFiles = [] } = await build({
    absWorkingDir: projectDir,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
    ...options,
  })
  await stopEsbuild()
  return outputFiles.map(({ text }) => text).join('')
}
