import { deployed } from './deployment.ts'
import { env } from './server.ts'

/** Reads Prometheus' text format 0.0.4 strictly: each line has to be as the format's page says. */
export interface Family {
  readonly type: string
  readonly help: string
  readonly series: Readonly<Record<string, number>>
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`
const SAMPLE = new RegExp(`^(${NAME})(\\{(?:${LABEL}(?:,${LABEL})*)?\\})? (\\S+)$`)
const NUMBER = /^[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|Inf)$|^NaN$/

/** The families of a text by their names. @throws at a line that no reader would take */
export function readMetrics(text: string): Record<string, Family> {
  if (!text.endsWith('\n')) {
    throw new Error('the last line has no end')
  }
  const families: Record<string, { type: string; help: string; series: Record<string, number> }> =
    {}
  let open = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'HELP') {
      if (families[name]) {
        throw new Error(`the lines of ${name} are not together`)
      }
      families[name] = { type: '', help: rest, series: {} }
      open = name
    } else if (kind === 'TYPE') {
      if (name !== open || !/^(counter|gauge)$/.test(rest)) {
        throw new Error(`no type: ${line}`)
      }
      Object.assign(families[name] ?? {}, { type: rest })
    } else {
      const [, metric = '', labels = '', value = ''] = SAMPLE.exec(line) ?? []
      const family = families[metric]
      if (metric !== open || !family || !NUMBER.test(value)) {
        throw new Error(`no sample of ${open}: ${line}`)
      }
      if (family.series[labels] !== undefined) {
        throw new Error(`twice: ${line}`)
      }
      family.series[labels] = Number(value)
    }
  }
  return families
}

const probed = (name: string) =>
  name.startsWith('probe:') ? { probeAlarm: async () => '' } : env.CONTROL.getByName(name)

/** For the examples of the document. */
export const HEALTH = {
  getHealth: async () => ({}),
  getOverview: async () => ({}),
  probeDevices: async () => ({}),
  probePush: async () => ({}),
  probeQueue: async () => ({}),
  // No alarm rings by itself in the tests' time.
  probeObjects: async () => ({ send: deployed({ CONTROL: { getByName: probed } }) }),
}
