import { describe, expect, it } from 'vitest'
import { readMessage } from '../../../src/mdm/message.ts'
import { writePlist } from '../../../src/plist/write.ts'

function tokenUpdate(fields: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  return writePlist({
    MessageType: 'TokenUpdate',
    UDID: 'UDID-1',
    Topic: 'com.apple.mgmt.External.test',
    Token: new Uint8Array(32),
    PushMagic: 'magic',
    ...fields,
  })
}

describe('what a TokenUpdate brings for pushes', () => {
  it.each([
    ['Token', new Uint8Array(1024), new Uint8Array(1025)],
    ['PushMagic', 'é'.repeat(512), 'é'.repeat(513)],
  ])('is 1 KB of %s at most', (key, longest, longer) => {
    expect(readMessage(tokenUpdate({ [key]: longest }))).toMatchObject({ kind: 'checkin' })
    expect(() => readMessage(tokenUpdate({ [key]: longer }))).toThrow(
      `${key} is longer than 1024 bytes`,
    )
  })

  it('leaves its UnlockToken what it needs', () => {
    const UnlockToken = new Uint8Array(20_000)
    expect(readMessage(tokenUpdate({ UnlockToken }))).toMatchObject({ unlockToken: UnlockToken })
  })
})

describe('a text of a message that leads somewhere', () => {
  const report = (CommandUUID: string) =>
    writePlist({ UDID: 'UDID-1', Status: 'Acknowledged', CommandUUID })
  const declaration = (Endpoint: string) =>
    writePlist({ UDID: 'UDID-1', MessageType: 'DeclarativeManagement', Endpoint })

  it.each([
    ['Topic', 1024, (Topic: string) => tokenUpdate({ Topic })],
    ['CommandUUID', 10_000, report],
    ['Endpoint', 2048, declaration],
  ])('has a bound: %s, %d characters', (key, most, make) => {
    expect(readMessage(make('x'.repeat(most)))).toBeDefined()
    expect(() => readMessage(make('x'.repeat(most + 1)))).toThrow(
      `${key} is longer than ${most} characters`,
    )
  })
})

it('a status that nobody knows is cut, and stays one that nobody knows', () => {
  const message = readMessage(writePlist({ UDID: 'UDID-1', Status: 'x'.repeat(1_000_000) }))
  expect(message).toMatchObject({ kind: 'report', status: 'x'.repeat(256) })
})
