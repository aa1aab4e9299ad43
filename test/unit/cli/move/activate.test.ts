import { expect, it } from 'vitest'
import { activateMove } from '../../../../src/cli/move/activate.ts'
import { createProgress } from '../../../../src/cli/progress.ts'
import { calling, type Asked } from './http.ts'

/** Views of a move, one after another; the last one stays. The calls for an activation are counted. */
async function activating(...views: readonly object[]) {
  const asked: Asked[] = []
  let [text, n, naps] = ['', 0, 0]
  const { call } = await calling((one) => {
    asked.push(one)
    const view = { id: 'M', items: { device: 40 }, devices: {}, state: 'activating' }
    return { status: 200, body: { ...view, ...views[Math.min(n++, views.length - 1)] } }
  })
  const view = activateMove(call, 'M', {
    withoutPush: true,
    progress: createProgress({ write: (part) => (text += part) }),
    sleep: async () => {
      naps += 1
      expect(naps, 'it waits for ever').toBeLessThan(1000)
    },
  })
  const activations = () => asked.filter(({ method }) => method === 'POST')
  return { view, activations, shown: () => text }
}

it('it waits until the move is active, and shows how many devices are done', async () => {
  const { view, activations, shown } = await activating(
    { devices: { waiting: 40 } },
    { devices: { waiting: 12, moved: 28 } },
    { state: 'active', devices: { moved: 40 } },
  )
  expect(await view).toMatchObject({ devices: { moved: 40 } })
  expect(shown()).toBe('Devices: 0 of 40\nDevices: 28 of 40\n')
  expect(activations().map(({ path, body }) => [path, body])).toEqual([
    ['/api/moves/M/activate', '{"without_push":true}'],
  ])
})

it('devices that failed are counted, and the same command tries them again', async () => {
  const { view } = await activating({ devices: { waiting: 3 } }, { devices: { failed: 3 } })
  await expect(view).rejects.toThrow('3 devices could not be moved yet')
})

it('a server that does not go on is asked again, and given up in the end', async () => {
  const { view, activations, shown } = await activating({ devices: { waiting: 7 } })
  await expect(view).rejects.toThrow('GET /api/jobs/move')
  expect(activations()).toHaveLength(10)
  expect(shown()).toContain('Nothing has changed for 20 s')
})
