import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { METRICS, metricsText } from '../../../src/figures/metrics.ts'
import { SENTENCES } from '../../../src/cli/start/terminal/sentences.ts'

const DOCS = join(import.meta.dirname, '../../../docs')
const RULES = readFileSync(join(DOCS, 'alerts/prometheus.yml'), 'utf8')
const PAGE = readFileSync(join(DOCS, 'health.md'), 'utf8')
const NAMES = Object.keys(METRICS).map((metric) => `edgemdm_${metric}`)

const named = (text: string) => [...new Set(text.match(/\bedgemdm_\w+/g))]

it('docs/health.md has each metric, and no other', () => {
  expect(named(PAGE).toSorted()).toEqual(NAMES.toSorted())
})

it('the alert rules use metrics that there are, and each says what to do', () => {
  expect(named(RULES).filter((name) => !NAMES.includes(name))).toEqual([])
  const rules = RULES.split('- alert: ').slice(1)
  expect(rules.length).toBeGreaterThan(15)
  for (const rule of rules) {
    expect(rule).toMatch(/expr: [^]+severity: (warning|critical) [^]+summary: \S[^]+action: \S/)
  }
  const events = [...RULES.matchAll(/event="([^"]+)"/g)].map(([, event = '']) => event)
  expect(events.filter((event) => !(event in SENTENCES))).toEqual([])
})

it('series stand with their metric, and unknown ones are left out', () => {
  const text = metricsText({
    'edgemdm_pushes_total{result="delivered"}': 3,
    'edgemdm_unheard_of{x="y"}': 1,
    edgemdm_duties_failed: 0,
    'edgemdm_pushes_total{result="bug"}': 1,
  })
  expect(text.replaceAll(/^# HELP (\S+) .+$/gm, '# HELP $1')).toBe(
    [
      '# HELP edgemdm_duties_failed',
      '# TYPE edgemdm_duties_failed gauge',
      'edgemdm_duties_failed 0',
      '# HELP edgemdm_pushes_total',
      '# TYPE edgemdm_pushes_total counter',
      'edgemdm_pushes_total{result="bug"} 1',
      'edgemdm_pushes_total{result="delivered"} 3',
      '',
    ].join('\n'),
  )
})
