/**
 * `npm run fuzz -- --seed N --requests N`: sends so many requests to a server of its own and ends with 1
 * when it finds a fault, which `--only N` sends again, alone. Without a seed each run has another.
 */
import { parseArgs } from 'node:util'
import { messageOf } from '../../src/cli/error.ts'
import { describeRequest, fuzz } from './fuzz.ts'
import { openScene } from './scene.ts'

const HELP = 'Usage: npm run fuzz -- [--seed N] [--requests N] [--only N] [--faults N]\n'

const options = {
  seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  requests: { type: 'string', default: '20000' },
  /** The number of one request of the run. */
  only: { type: 'string' },
  /** Faults to find before it gives up. */
  faults: { type: 'string', default: '20' },
  help: { type: 'boolean', short: 'h' },
} as const

function readOptions() {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    console.error(messageOf(error))
    return { help: true } as const
  }
}
const values = readOptions()
if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const seed = Number(values.seed)
const from = Number(values.only ?? 0)
const to = values.only === undefined ? Number(values.requests) : from + 1
console.log(`npm run fuzz -- --seed ${seed} --requests ${values.requests}`)

const scene = await openScene()
let left = Number(values.faults)
const began = Date.now()
const faults = await fuzz(scene, {
  seed,
  from,
  to,
  patience: 60_000,
  onFault({ index, what, request }) {
    console.log(
      `\nFAULT ${what}\n  again: npm run fuzz -- --seed ${seed} --only ${index}\n${describeRequest(request)}`,
    )
    left -= 1
    if (left === 0) {
      console.log('\nmore faults than --faults: not looked for')
      void scene.close().finally(() => process.exit(1))
    }
  },
})
await scene.close()
console.log(
  `${to - from} requests in ${((Date.now() - began) / 1000).toFixed(0)} s, ${faults} faults`,
)
process.exitCode = faults > 0 ? 1 : 0
