/** `npm run bench -- --only manifest`: what a device's object computes for a channel, in plain Node. */
import { DECLARATION_TYPES } from '../../src/apple/declarations.ts'
import type { ChannelFacts } from '../../src/ddm/facts.ts'
import type { DeclarationItem } from '../../src/ddm/item.ts'
import { manifestOf } from '../../src/ddm/manifest/manifest.ts'
import { compileItem } from '../../src/ddm/payload/compile.ts'

const CONFIGURATIONS = 120
const ASSETS = 20
const ACTIVATIONS = 60
const RUNS = 1000

const facts: ChannelFacts = {
  platform: 'macOS',
  osVersion: '26.1',
  enrollment: 'supervised',
  scope: 'system',
  sharedIPad: false,
  models: ['Mac16,1', 'Mac16,1', 'MacBook Pro'],
  serialNumber: 'C02EXAMPLE',
  supported: DECLARATION_TYPES,
}

/** 200 declarations: one configuration of six has an asset, one of three a variable; half have activations. */
export function measureManifest(): void {
  const items = [
    ...Array.from({ length: ASSETS }, (_, n) =>
      item(`asset.${n}`, 'com.apple.asset.data', {
        Reference: { DataURL: `https://example.com/${n}`, ContentType: 'application/zip' },
      }),
    ),
    ...Array.from({ length: CONFIGURATIONS }, (_, n) => configuration(n)),
    ...Array.from({ length: ACTIVATIONS }, (_, n) =>
      item(`activation.${n}`, 'com.apple.activation.simple', {
        StandardConfigurations: [`configuration.${n}`, `configuration.${n + ACTIVATIONS}`],
      }),
    ),
  ]
  const recipient = { facts, id: 'BENCH', values: { serial_number: 'C02EXAMPLE' }, resends: {} }
  const times: number[] = []
  let offered = 0
  for (let run = 0; run < RUNS; run++) {
    const began = performance.now()
    offered = manifestOf(items, recipient).offered.length
    times.push(performance.now() - began)
  }
  const [first = Number.NaN] = times
  times.sort((a, b) => a - b)
  const at = (share: number): string => `${times[Math.floor(RUNS * share)]?.toFixed(2)} ms`
  console.log(
    `the manifest of ${items.length} declarations, ${offered} of them offered: median ${at(0.5)}, ` +
      `p99 ${at(0.99)}, the first ${first.toFixed(2)} ms`,
  )
}

function configuration(n: number): DeclarationItem {
  const identifier = `configuration.${n}`
  if (n < ASSETS) {
    return item(identifier, 'com.apple.configuration.services.configuration-files', {
      ServiceType: 'com.apple.sshd',
      DataAssetReference: `asset.${n}`,
    })
  }
  const Echo = n % 3 === 0 ? '${serial_number}' : `number ${n}`
  return item(identifier, 'com.apple.configuration.management.test', { Echo })
}

function item(identifier: string, type: string, payload: Record<string, unknown>): DeclarationItem {
  return { identifier, ...compileItem({ type, payload, text: JSON.stringify(payload) }) }
}
