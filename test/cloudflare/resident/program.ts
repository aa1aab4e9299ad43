import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Call, Outcome } from './door.ts'

const MODULES = join(import.meta.dirname, '../../../node_modules')

/** A program where a project has `wrangler`. The process behind the door does its work. Answers its path. */
export async function installResident(project: string, door: string): Promise<string> {
  const folder = join(project, 'node_modules/wrangler')
  const program = join(folder, 'bin/wrangler.js')
  const [here, there] = [import.meta.url, door].map((one) => JSON.stringify(one))
  await mkdir(join(folder, 'bin'), { recursive: true })
  await Promise.all([
    writeFile(program, `import(${here}).then(({ ask }) => ask(${there}))`),
    symlink(join(MODULES, 'wrangler/config-schema.json'), join(folder, 'config-schema.json')),
  ])
  return program
}

/** What the program does. */
export async function ask(door: string): Promise<void> {
  const call: Call = { args: process.argv.slice(2), cwd: process.cwd(), env: process.env }
  const socket = connect(door)
  socket.end(JSON.stringify(call))
  const { code, stdout, stderr }: Outcome = JSON.parse(await text(socket))
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exitCode = code
}
