/** A configuration with its activation, in a set that takes every device. */
import type { RunningServer } from '../e2e/server.ts'

const CONFIGURATION = 'bench.configuration'
const ACTIVATION = 'bench.activation'

/** How many devices have the configuration in each state. */
export interface FleetStates {
  readonly applied: number
  readonly pending: number
  readonly failed: number
  readonly inactive: number
  readonly withheld: number
}

/** Stores both. No device hears of them yet. */
export async function storeDeclarations(server: RunningServer): Promise<void> {
  await put(server, `/api/declarations/${CONFIGURATION}?notify=false`, {
    type: 'com.apple.configuration.management.test',
    payload: { Echo: 'bench' },
  })
  await put(server, `/api/declarations/${ACTIVATION}?notify=false`, {
    type: 'com.apple.activation.simple',
    payload: { StandardConfigurations: [CONFIGURATION] },
  })
}

/** Makes the set: the server begins to tell all devices. */
export async function declareToAll(server: RunningServer): Promise<void> {
  await put(server, '/api/sets/bench', { rule: {}, declarations: [CONFIGURATION, ACTIVATION] })
}

/** What the server knows of the fleet. */
export async function fleetStates(server: RunningServer): Promise<FleetStates> {
  const path = `/api/declarations/${CONFIGURATION}`
  const { status, body } = await server.api<{ states: FleetStates }>('GET', path)
  if (status !== 200) {
    throw new Error(`${path}: ${status}`)
  }
  return body.states
}

/** How many devices have been told. */
export function toldOf({ applied, pending, failed, inactive }: FleetStates): number {
  return applied + pending + failed + inactive
}

async function put(server: RunningServer, path: string, body: object): Promise<void> {
  const answer = await server.api('PUT', path, body)
  if (answer.status !== 200 && answer.status !== 201) {
    throw new Error(`PUT ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
}
