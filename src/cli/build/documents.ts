/** The files of the API's documentation, which the Worker serves and does not hold. */
import { URL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { bundle } from './bundle.ts'

const PROGRAM = `
import { parentPort } from 'node:worker_threads'
import { documentFiles } from './src/http/api/openapi/files.ts'
parentPort.postMessage(await documentFiles())
`

/**
 * Writes the files in a thread, whose memory is free afterwards.
 *
 * @param projectDir the directory of wrangler.toml
 * @returns the content of each file by its name
 */
export async function writeDocuments(projectDir: string): Promise<ReadonlyMap<string, string>> {
  const input = { stdin: { contents: PROGRAM, resolveDir: projectDir } }
  const program = Buffer.from(await bundle(projectDir, input)).toString('base64')
  const thread = new Worker(new URL(`data:text/javascript;base64,${program}`))
  return new Promise((resolve, reject) => {
    thread.once('message', (files: Record<string, string>) => {
      resolve(new Map(Object.entries(files)))
    })
    thread.once('error', reject)
  })
}
