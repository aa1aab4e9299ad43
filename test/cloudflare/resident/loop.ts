/**
 * Wrangler's own code in a process that stays: a call costs a tenth of the CPU that the program needs, most of which
 * goes into loading 15 MB. The module is compiled once and evaluated anew for each call, so that a call finds no
 * state of an earlier one.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { constants, Script } from 'node:vm'
import type { Call, Outcome } from './door.ts'

interface Wrangler {
  readonly main: (args: readonly string[]) => Promise<void>
  /** An error that has the exit code of the program. */
  readonly FatalError: new () => Error & { readonly code?: number }
}

class Exit extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

const require = createRequire(import.meta.url)
const file = require.resolve('wrangler')
// The program runs `main` where it is the main module. Here the module tells what the program would run.
const source = `${readFileSync(file, 'utf8')}\nObject.assign(exports, { main, FatalError })`
const evaluate = new Script(
  `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
  { filename: file, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER },
).runInThisContext()

function load(): Wrangler {
  const module = { exports: {} as Wrangler }
  evaluate.call(module.exports, module.exports, createRequire(file), module, file, dirname(file))
  return module.exports
}

const end = process.exit
process.exit = (code) => {
  throw new Exit(Number(code ?? process.exitCode ?? 0))
}

async function run({ args, cwd, env }: Call): Promise<Outcome> {
  const outcome = { code: 0, stdout: '', stderr: '' }
  for (const channel of ['stdout', 'stderr'] as const) {
    process[channel].write = (chunk) => {
      outcome[channel] += chunk.toString()
      return true
    }
  }
  process.chdir(cwd)
  Object.keys(process.env).forEach((name) => delete process.env[name])
  Object.assign(process.env, env)
  process.argv = [process.execPath, file, ...args]
  process.exitCode = 0
  try {
    const { main, FatalError } = load()
    await main(args).catch((error: unknown) => {
      throw error instanceof FatalError ? new Exit(error.code ?? 1) : error
    })
    outcome.code = Number(process.exitCode)
  } catch (error) {
    outcome.code = error instanceof Exit ? error.code : 1
  }
  return outcome
}

// A channel of Node's own would be closed by Wrangler, which ends the one to its parent.
const door = new Socket({ fd: 3 })
// A killed run leaves no process, also while a call waits for an answer.
door.once('close', () => end())
for await (const line of createInterface({ input: door })) {
  door.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`)
}
