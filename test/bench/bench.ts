/**
 * `npm run bench`: what the server of `npm start` does on this machine. A process of its own loads it with
 * requests that were signed before; every loop is bounded; results go to `results/` as JSON.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { measureBacklog } from './backlog.ts'
import { bulk } from './bulk.ts'
import { measureConsole } from './console.ts'
import { measureDeclarations } from './declarations.ts'
import { measureEmpty } from './empty.ts'
import { measureFleet } from './fleets.ts'
import { hasStrace } from './fsyncs.ts'
import { measureManifest } from './manifest.ts'
import { measureMove } from './move.ts'
import { readOptions } from './options.ts'
import { RESULTS } from './profile.ts'
import { measureRush } from './rush.ts'
import { measureGrowth, queueLengths } from './scale.ts'
import type { Row } from './row.ts'
import { withServer } from './server.ts'
import { measureSetups } from './setups.ts'
import { headOf, lineOf } from './table.ts'
import { measureWaves, measureWebhook } from './webhook.ts'

const flags = readOptions(process.argv.slice(2))
// Ends by `exit`, whose handler ends the servers. A signal alone would not call it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1))
}
const { only, runs, seconds, quiet } = flags
const FLEET_KINDS = ['enrolment', 'check-in', 'idle', 'tokens', 'cycle', 'inventory']

if (only.has('bulk')) {
  await bulk(flags.tmpfs ? '/dev/shm' : tmpdir(), flags.count, flags.tree)
  process.exit()
}

if (only.has('move')) {
  await measureMove(flags.tmpfs ? '/dev/shm' : tmpdir(), flags.count)
  process.exit()
}

if (only.has('setups')) {
  await measureSetups(flags.tmpfs ? '/dev/shm' : tmpdir(), flags)
  process.exit()
}

if (only.has('console')) {
  await measureConsole(flags, Math.max(...flags.fleets))
  process.exit()
}

const rows: Row[] = []
const growth: unknown[] = []
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  kernel: release(),
  node: process.version,
  workerd: manifest.devDependencies.miniflare,
}
console.log(
  `${machine.cores} × ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, workerd of miniflare ${machine.workerd}, state ${flags.tmpfs ? 'on tmpfs' : 'on disk'}, median of ${runs}`,
)
if (!hasStrace) {
  console.log('strace is missing: fsyncs are not counted')
}
function tell(row: Row): void {
  rows.push(row)
  console.log(lineOf(row))
}
/** `tokens` beside Idle, of the same devices. */
function tellRatio(size: number): void {
  for (const objects of ['cold', 'warm'] as const) {
    const rateOf = (kind: string): number | undefined =>
      rows.find((row) => row.fleet === size && row.kind === kind && row.objects === objects)
        ?.perSecond
    const [idle, tokens] = [rateOf('idle'), rateOf('tokens')]
    if (idle !== undefined && tokens !== undefined) {
      console.log(`${objects}: tokens at ${(tokens / idle).toFixed(2)} of the rate of Idle`)
    }
  }
}

if (only.has('manifest')) {
  measureManifest()
}
if (only.has('empty')) {
  console.log(headOf('objects with one table and one row, kept in memory'))
  await measureEmpty({ sizes: flags.fleets, seconds, tmpfs: flags.tmpfs }, tell)
}
if (FLEET_KINDS.some((kind) => only.has(kind))) {
  for (const size of flags.fleets) {
    await withServer(flags, [], async (bench) => {
      console.log(headOf(`${size} devices, 16 connections`))
      await measureFleet(bench, { size, kinds: only, runs, seconds, quiet }, tell)
      tellRatio(size)
    })
  }
}
if (only.has('declarations')) {
  await withServer(flags, [], (bench) => measureDeclarations(bench, flags))
}
if (only.has('fleet')) {
  await withServer(flags, [], async (bench) => {
    console.log(headOf('the first calls of 500 devices after a restart, beside as many enrolments'))
    await measureGrowth(bench, flags.sizes, tell)
  })
}
if (only.has('rush')) {
  const size = Math.max(...flags.fleets)
  await withServer(flags, ['--memory', flags.memory], async (bench) => {
    console.log(headOf(`${size} devices, each calling when it is due`))
    await measureRush(bench, { size, minutes: flags.minutes, quiet }, tell)
  })
}
if (only.has('webhook')) {
  await measureWebhook(flags)
}
if (only.has('waves')) {
  await measureWaves(flags, Math.max(...flags.fleets))
}
if (only.has('backlog')) {
  await measureBacklog(flags)
}
if (only.has('queue')) {
  process.env['MAX_QUEUE'] = '20000'
  await withServer(flags, [], async ({ load }) => {
    growth.push(...(await queueLengths(load)))
  })
}
await mkdir(RESULTS, { recursive: true })
await writeFile(
  join(RESULTS, `${flags.tmpfs ? 'tmpfs' : 'disk'}.json`),
  `${JSON.stringify({ machine, date: new Date().toISOString(), rows, growth }, null, 2)}\n`,
)
