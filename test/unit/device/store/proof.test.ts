import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { PROOFS } from '../../../../src/device/store/proof.ts'

it('the table of proofs is the same in the code and in docs/security.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/security.md'), 'utf8')
  const section = page.slice(page.indexOf('## Proof'), page.indexOf('## I1'))
  const rows = section.matchAll(/^\| `(\w+)` \| .* \| (over|renewed|back) \| (held|go on) \|$/gm)
  const told = [...rows].map(([, name, earlier, destructive]) => [name, { earlier, destructive }])
  expect(Object.fromEntries(told)).toEqual(PROOFS)
})
