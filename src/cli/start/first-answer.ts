import { setTimeout as sleep } from 'node:timers/promises'
import { CliError, messageOf } from '../error.ts'

/** The error of a Worker whose settings are incomplete: to wait longer does not help. */
const NOT_CONFIGURED = 'EdgeMDM is not configured'
const READY_WITHIN = 120_000

/** Resolves when the Worker answers. @throws CliError with its last answer, if it cannot, or not in time */
export async function untilItAnswers(url: string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN
  let last = 'nothing'
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${url}/version`)
      const body = await response.text()
      if (response.status === 200) {
        return
      }
      last = `${response.status} ${body.trim()}`
      if (body.includes(NOT_CONFIGURED)) {
        throw new CliError(errorIn(body))
      }
    } catch (error) {
      if (error instanceof CliError) {
        throw error
      }
      last = messageOf(error)
    }
    await sleep(100)
  }
  throw new CliError(`the Worker does not answer GET ${url}/version: ${last}`)
}

/** The sentence of an error in MicroMDM's form. */
function errorIn(body: string): string {
  const { error }: { error?: unknown } = JSON.parse(body)
  return String(error)
}
