import { expect, it } from 'vitest'
import { encode } from 'uqr'
import { qrPath } from '../../../../../src/console/screens/enrolment/qr-path.ts'

/** The modules that a path fills. */
function filledBy(path: string, size: number): boolean[][] {
  const filled = Array.from({ length: size }, () => Array.from({ length: size }, () => false))
  for (const [, x = '', y = '', length = ''] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    filled[Number(y)]?.fill(true, Number(x), Number(x) + Number(length))
  }
  return filled
}

it('the path fills the dark modules of the code, and leaves four light ones around it', () => {
  const text = 'https://mdm.example.com/?token=0f1e2d3c4b5a69788796a5b4c3d2e1f0'
  const { size, path } = qrPath(text)
  const { data } = encode(text, { border: 4 })
  expect(filledBy(path, size)).toEqual(data)
  expect(data[3]?.includes(true)).toBe(false)
  expect(data[4]?.[4]).toBe(true)
})
