import { expect, it, vi } from 'vitest'
import {
  addDeadLetter,
  countDeadLetters,
  listDeadLetters,
  DEAD_LETTERS_TABLES,
} from '../../../src/webhooks/dead-letters.ts'
import { retryEach } from '../../../src/webhooks/retry-dead-letters.ts'
import { TestObject } from '../device/object.ts'
import { withTables } from '../../../src/storage/tables.ts'

it('of a device the newest hundred dead letters are kept, and they displace none of another device', () => {
  const db = withTables(new TestObject().db(), DEAD_LETTERS_TABLES)
  const add = (device: string, sequence: number): void => {
    const event = `${device} ${sequence}`
    addDeadLetter(db, {
      device,
      sequence,
      event,
      topic: 'mdm.Connect' as const,
      at: 1,
      diedAt: 2,
      tries: 3,
      reason: '',
    })
  }
  add('quiet', 1)
  for (let sequence = 1; sequence <= 150; sequence++) {
    add('loud', sequence)
  }
  expect(countDeadLetters(db)).toBe(101)
  const letters = listDeadLetters(db, Infinity, 200)
  expect(letters.at(-1)).toMatchObject({ device: 'quiet', sequence: 1 })
  expect(letters.at(-2)).toMatchObject({ device: 'loud', sequence: 51 })
})

it('dead letters of other devices are retried when one device cannot be reached', async () => {
  const letter = {
    sequence: 1,
    event: 'e',
    topic: 'mdm.Connect' as const,
    at: 1,
    diedAt: 2,
    tries: 3,
    reason: '',
  }
  const letters = ['far', 'here', 'empty'].map((device, n) => ({ ...letter, n, device }))
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const counts = await retryEach(letters, async ({ device }) => {
    if (device === 'far') {
      throw new Error('no answer')
    }
    return device === 'here' ? 'retried' : 'gone'
  })
  expect(counts).toEqual({ retried: 1, gone: 1 })
  expect(warn).toHaveBeenCalledOnce()
  warn.mockRestore()
})
