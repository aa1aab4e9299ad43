/** `npm run deploy`: a guided deployment to Cloudflare, which can be repeated (docs/deploy.md). */
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { complaintOf } from '../error.ts'
import { DEPLOY_HELP, readDeployOrder } from './arguments.ts'
import { callWrangler } from './cloudflare/wrangler.ts'
import { callDoctor } from './examine.ts'
import { runDeploy } from './run.ts'
import { createScreen, interruptionText, type Screen } from './screen.ts'

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const { env, stdin, stdout } = process
  let order: ReturnType<typeof readDeployOrder>
  try {
    order = readDeployOrder(args, env)
  } catch (error) {
    console.error('deploy:', complaintOf(error))
    return 2
  }
  if ('help' in order) {
    stdout.write(DEPLOY_HELP)
    return 0
  }
  const { json, ci, yes } = order
  const color = stdout.isTTY && !env['NO_COLOR']
  const shown = createScreen({ json, asks: !ci && !yes && !json, stdin, stdout, color })
  let isDone = false
  const tell: Screen['tell'] = (event) => {
    isDone ||= event.type === 'done'
    shown.tell(event)
  }
  const screen = { ...shown, tell }
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      screen.show(`\n${interruptionText(isDone)}`)
      process.exit(isDone ? 0 : exit)
    })
  }
  const projectDir = resolve(import.meta.dirname, '../../..')
  const effects = { projectDir, env, fetch, sleep, now: Date.now, screen }
  return runDeploy(order, { ...effects, callWrangler, callDoctor })
}
