import { expect, it } from 'vitest'
import { commitArguments } from '../../../../../src/cli/deploy/inputs/code.ts'

it('a deployment names its commit, and its Worker tells it', () => {
  expect(commitArguments('e7a814d3aa11+')).toEqual([
    '--message',
    'e7a814d3aa11+',
    '--define',
    'EDGEMDM_COMMIT:"e7a814d3aa11+"',
  ])
  expect(commitArguments(undefined)).toEqual([])
})
