/** What automatic assignment would do. */
import type { DepPreview } from '../../../dep-account/planner.ts'
import { z } from '../zod.ts'

export const previewSchema = z
  .object({
    assign: z.int().openapi({
      description:
        'devices without a profile, or with one that another one of its name has replaced',
    }),
    foreign: z.int().openapi({
      description:
        'devices with a profile that the server did not define: they wait for confirmDepAccount',
    }),
    profiles: z
      .record(z.string(), z.int())
      .openapi({ description: 'how many of both would get each profile, by its uuid' }),
    rules: z.array(z.int()).openapi({
      description:
        'how many devices each rule is the first to match, whatever profile they have now',
    }),
  })
  .openapi('DepPreview')

export const PREVIEW_EXAMPLE: z.input<typeof previewSchema> = {
  assign: 12,
  foreign: 3,
  profiles: { '88A3C5D1E2F4400B9C7D6E5F4A3B2C1D': 15 },
  rules: [240],
}

export function previewJson(preview: DepPreview): z.input<typeof previewSchema> {
  return { ...preview, profiles: { ...preview.profiles }, rules: [...(preview.rules ?? [])] }
}
