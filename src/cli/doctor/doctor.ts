/** `npm run doctor`: checks a server, and says what to do (docs/doctor.md). */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { complaintOf } from '../error.ts'
import { createProgress } from '../progress.ts'
import { ACCOUNT_CHECKS } from './account/checks.ts'
import { openDoctorAccount } from './account/open.ts'
import { DOCTOR_HELP, type DoctorOrder, readDoctorOrder } from './arguments.ts'
import { INSIDE_CHECKS } from './inside/checks.ts'
import { OUTSIDE_CHECKS } from './outside/checks.ts'
import { runChecks } from './run.ts'
import { resultLines } from './show.ts'

const CHECKS = [...OUTSIDE_CHECKS, ...INSIDE_CHECKS, ...ACCOUNT_CHECKS]
const MOST_FAILS = 100
const NOT_RUN = 101

const code = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error('doctor:', complaintOf(error))
  return NOT_RUN
})
// A connection that a check has given up may still be open.
process.stdout.write('', () => process.exit(code))

async function main(args: readonly string[]): Promise<number> {
  const numbers = CHECKS.map(({ number }) => number)
  const order = readDoctorOrder(args, process.env, numbers)
  if ('help' in order) {
    console.log(DOCTOR_HELP)
    return 0
  }
  const results = await examine(order)
  if (order.json) {
    console.log(JSON.stringify(results, null, 2))
  } else {
    const color = process.stdout.isTTY && !order.ci && !process.env['NO_COLOR']
    for (const line of resultLines(results, { color, verbose: order.verbose })) {
      console.log(line)
    }
  }
  return Math.min(results.filter(({ level }) => level === 'fail').length, MOST_FAILS)
}

async function examine(order: DoctorOrder) {
  const { url, isLocal, key, only } = order
  const account = order.account ? await openDoctorAccount(order) : undefined
  const file = await readFile(resolve(import.meta.dirname, '../../../package.json'), 'utf8')
  const { version }: { version: string } = JSON.parse(file)
  const progress =
    process.stderr.isTTY && !order.ci && !order.json ? createProgress(process.stderr) : undefined
  const results = await runChecks(
    CHECKS,
    ({ number }) => only?.includes(number) ?? true,
    { url, isLocal, version, ...(key && { key }), ...(account && { account }) },
    {
      fetch,
      now: Date.now,
      timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
      tell: (done, total) => progress?.show('checks', done, total),
    },
  )
  progress?.end()
  return results
}
