import type { Field } from './fields.ts'
import { field } from './fields.ts'

const ALWAYS = { always: true }

const BUNDLE = [
  same('bundle-identifier', 'string', ALWAYS),
  same('bundle-version', 'string', ALWAYS),
]

/** The fields of InstallEnterpriseApplication's `manifest`: Apple's ManifestURL document, inline. */
export const MANIFEST = [
  same('items', 'structs', {
    always: true,
    fields: [
      same('assets', 'structs', {
        fields: [
          same('kind', 'string', ALWAYS),
          same('url', 'string', ALWAYS),
          same('md5-size', 'integer'),
          same('md5s', 'strings'),
          same('sha256-size', 'integer'),
          same('sha256s', 'strings'),
        ],
      }),
      same('metadata', 'struct', {
        fields: [
          ...BUNDLE,
          same('kind', 'string', ALWAYS),
          same('title', 'string', ALWAYS),
          same('subtitle', 'string', ALWAYS),
          same('sizeInBytes', 'integer'),
          same('items', 'structs', { fields: BUNDLE }),
        ],
      }),
    ],
  }),
]

/** A JSON key that the plist uses too (Apple: "ManifestURL"). */
function same(name: string, type: Field['type'], extra?: Parameters<typeof field>[3]): Field {
  return field(name, name, type, extra)
}
