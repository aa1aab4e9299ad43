/** The server under load as `npm start` runs it, and what it costs: CPU of workerd and of Node beside it. */
import { readFileSync } from 'node:fs'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { RunningServer } from '../e2e/server.ts'
import type { Order, Outcome, Reply, Run, Setup } from './load.ts'

const TICKS_PER_SECOND = 100

/** CPU seconds that the server has used since it was started. */
export function serverCpu(server: RunningServer): number {
  const [workerd] = readFileSync(join(server.state, 'workerd.status'), 'utf8').split(' ')
  return cpuOf(Number(workerd)) + cpuOf(Number(server.process.pid))
}

/** Bytes that workerd holds in memory. */
export function serverMemory(server: RunningServer): number {
  const [workerd] = readFileSync(join(server.state, 'workerd.status'), 'utf8').split(' ')
  const [, resident] = readFileSync(`/proc/${workerd}/statm`, 'utf8').split(' ')
  return Number(resident) * 4096
}

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The devices' topic is the server's, as in any fleet that can be pushed. */
export async function pushTopic(server: RunningServer, apiKey: string): Promise<string> {
  const response = await fetch(`${server.url}/api/push-certificate`, {
    headers: { authorization: `Basic ${btoa(`micromdm:${apiKey}`)}` },
  })
  const certificate: { topic: string } = await response.json()
  return certificate.topic
}

export interface Load {
  run(what: Run): Promise<Outcome>
  close(): Promise<void>
}

/** A load generator that knows the server and its devices. */
export async function startLoad(setup: Setup): Promise<Load> {
  const child = fork(join(import.meta.dirname, './load.ts'))
  await order(child, { setup })
  return {
    async run(run) {
      const reply = await order(child, { run })
      if (!('outcome' in reply)) {
        throw new Error('the load generator answered out of turn')
      }
      return reply.outcome
    },
    async close() {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
}

async function order(child: ChildProcess, what: Order): Promise<Reply> {
  const answer = new Promise<Reply>((resolve, reject) => {
    child.once('message', (reply: Reply) => resolve(reply))
    child.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)))
  })
  child.send(what)
  const reply = await answer
  child.removeAllListeners('exit')
  if ('error' in reply) {
    throw new Error(reply.error)
  }
  return reply
}
