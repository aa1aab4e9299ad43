/** The seconds of the console's tasks: their tests, run one after another, note them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROJECT } from '../e2e/server.ts'
import { figureOf, percentile, tellFigure } from './figure.ts'

const RUNS = 5
/** Seconds. The console's tests have six simulated devices; the ones that answer at once do. */
const BUDGETS: Readonly<Record<string, number>> = {
  '1': 1,
  '2': 1,
  '3': 2,
  '4': 2,
  '5a': 2,
  '5b': 2,
  '5c': 3,
  '6': 1.5,
  '7': 1,
  '8': 3,
  '9': 1.5,
  '10': 2,
  '11': 3,
  '12': 1.5,
  '13': 4,
  '14': 2,
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly meta: { readonly seconds?: number }
    }[]
  }[]
}

export async function measureTasks(): Promise<void> {
  console.log(
    `\nthe tasks of the console, p95 of ${RUNS} runs, 6 devices; a test of a task does its steps`,
  )
  const times = new Map<string, number[]>()
  for (let run = 0; run < RUNS; run++) {
    for (const [task, seconds] of await runTasks()) {
      times.set(task, [...(times.get(task) ?? []), seconds])
    }
  }
  for (const [task, seconds] of [...times].toSorted(
    ([a], [b]) => Number.parseInt(a) - Number.parseInt(b),
  )) {
    tellFigure(`task ${task}`, figureOf(percentile(seconds, 95), 's'), BUDGETS[task] ?? 0)
  }
}

/** @throws Error when the tests cannot run */
async function runTasks(): Promise<(readonly [task: string, seconds: number])[]> {
  const folder = await mkdtemp(join(tmpdir(), 'edgemdm-tasks-'))
  const file = join(folder, 'report.json')
  const args = ['--config', 'test/vitest.config.ts', '--project', 'console', '-t', '\\btask \\d']
  const alone = ['--no-file-parallelism', '--reporter', 'json', '--outputFile', file]
  try {
    const child = spawn('npx', ['vitest', 'run', ...args, ...alone], {
      cwd: PROJECT,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await once(child, 'exit')
    const report: Report = JSON.parse(await readFile(file, 'utf8'))
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
    for (const { fullName } of tests.filter(({ status }) => status === 'failed')) {
      console.log(`failed, and left out of its row: ${fullName}`)
    }
    return tests.flatMap(({ fullName, status, meta: { seconds } }) => {
      const task = /\btask (\d+[a-c]?):/.exec(fullName)?.[1]
      return status === 'passed' && task !== undefined && seconds !== undefined
        ? [[task, seconds] as const]
        : []
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
