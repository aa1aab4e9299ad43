/** `npm run destroy`: removes a deployment from Cloudflare (docs/deploy.md). */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { callWrangler } from '../deploy/cloudflare/wrangler.ts'
import { createScreen } from '../deploy/screen.ts'
import { complaintOf } from '../error.ts'
import { DESTROY_HELP, readDestroyOrder } from './arguments.ts'
import { runDestroy } from './run.ts'

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const { env, stdin, stdout } = process
  let order: ReturnType<typeof readDestroyOrder>
  try {
    order = readDestroyOrder(args, env)
  } catch (error) {
    console.error('destroy:', complaintOf(error))
    return 2
  }
  if ('help' in order) {
    stdout.write(DESTROY_HELP)
    return 0
  }
  const color = stdout.isTTY && !env['NO_COLOR']
  const screen = createScreen({ json: false, asks: true, stdin, stdout, color })
  const projectDir = resolve(import.meta.dirname, '../../..')
  return runDestroy(order, { projectDir, env, fetch, sleep, screen, callWrangler })
}
