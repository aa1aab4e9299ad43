import { expect, it } from 'vitest'
import {
  addDeadLetter,
  countDeadLetters,
  listDeadLetters,
} from '../../../src/delivery/dead-letters.ts'
import { TestObject } from '../device/object.ts'

it('a device’s dead letters are its newest hundred, and push out none of another device', () => {
  const db = new TestObject().db()
  const add = (device: string, sequence: number): void => {
    const event = `${device} ${sequence}`
    addDeadLetter(db, {
      device,
      sequence,
      event,
      topic: 't',
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
