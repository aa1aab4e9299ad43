import { expect, it } from 'vitest'
import { isDueForRenewal } from '../../../src/scep/renewal.ts'

const DAY = 86_400_000

it.each([
  ['a year', 365, 90],
  ['ten years', 3650, 90],
  ['ninety days', 90, 30],
  ['three days', 3, 1],
])('a certificate of %s may be replaced in its last third, 90 days at most', (_, life, last) => {
  const certificate = { issuedAt: 1000, notAfter: 1000 + life * DAY }
  const due = certificate.notAfter - last * DAY
  expect(isDueForRenewal(certificate, due - 1)).toBe(false)
  expect(isDueForRenewal(certificate, due)).toBe(true)
  expect(isDueForRenewal(certificate, certificate.notAfter + DAY)).toBe(true)
})
