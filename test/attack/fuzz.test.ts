/** A short fuzz run over all routes. `npm run fuzz` is the long one. */
import { expect, it } from 'vitest'
import { describeRequest, fuzz } from './fuzz.ts'
import { openScene } from './scene.ts'

it('no request of a fuzz run breaks a rule of the server', async () => {
  const scene = await openScene()
  const faults: string[] = []
  await fuzz(scene, {
    seed: 9,
    from: 0,
    to: 500,
    onFault: ({ index, what, request }) =>
      faults.push(`request ${index}: ${what}\n${describeRequest(request)}`),
  })
  await scene.close()
  expect(faults).toEqual([])
})
