import { z } from '../zod.ts'
import { SETTINGS_KNOWN } from '../../../config/known.ts'
import { settingAs, type UncheckedVars } from '../../../config/vars.ts'

export const settingSchema = z
  .object({
    name: z.string(),
    source: z.enum(['set', 'control', 'default']).openapi({
      description:
        '`set`: a var or a secret of the Worker; `control`: in the object Control of a claimed server',
    }),
    set_as: z
      .string()
      .nullable()
      .openapi({ description: 'the name by which it is set: its own or MicroMDM’s' }),
    value: z
      .string()
      .nullable()
      .openapi({
        description:
          'null for the default, for secrets and for certificates; of an address its origin, and `/…` for ' +
          'the rest, which may hold a token',
      }),
    default: z.string().openapi({ description: 'what counts when it is not set, in words' }),
    meaning: z.string(),
  })
  .openapi('Setting')

export const SETTING_EXAMPLE: z.input<typeof settingSchema> = {
  name: 'KEEP_RESULTS',
  source: 'set',
  set_as: 'KEEP_RESULTS',
  value: '50/7d',
  default: '100/30d',
  meaning: 'how many commands with their answers a channel keeps',
}

/** Every setting as the Worker has it. Never the value of a secret. */
export function settingsJson(
  vars: UncheckedVars,
  inControl: readonly string[],
): z.infer<typeof settingSchema>[] {
  return SETTINGS_KNOWN.map(([name, usual, meaning, facts]) => {
    const [as, value] = settingAs(vars, name)
    const isSet = value !== ''
    return {
      name,
      source: isSet ? 'set' : inControl.includes(name) ? 'control' : 'default',
      set_as: isSet ? as : null,
      value: isSet ? shown(value, facts?.is) : null,
      default: usual,
      meaning,
    }
  })
}

function shown(value: string, is: 'secret' | 'pem' | 'address' | undefined): string | null {
  if (is === 'secret' || is === 'pem') {
    return null
  }
  return is === 'address' ? withoutSecrets(value) : value
}

/** A user, a password or a token may stand in an address: chat services put theirs into the path. */
function withoutSecrets(address: string): string | null {
  const url = URL.parse(address)
  return url && url.origin + (url.pathname + url.search === '/' ? '' : '/…')
}
