import { describe, expect, it } from 'vitest'
import { queueCommand } from '../../../../../src/device/queue/enqueue.ts'
import {
  archiveEscrow,
  loadEscrow,
  readEscrow,
  storeEscrow,
} from '../../../../../src/device/store/escrow/tokens.ts'
import { listEscrow } from '../../../../../src/device/store/escrow/list.ts'
import { handOut } from '../../../../../src/device/queue/hand-out.ts'
import { viewQueue } from '../../../../../src/device/queue/page.ts'
import { channelOf } from '../../../../../src/device/store/channels.ts'
import { asDict, bytesAt, dictAt } from '../../../../../src/plist/dict.ts'
import { readPlist } from '../../../../../src/plist/read.ts'
import { writePlist } from '../../../../../src/plist/write.ts'
import { TestObject } from '../../object.ts'

const TOKEN = new Uint8Array([1, 2, 3, 250])
const reader = { who: 'ada', address: '192.0.2.1', reason: 'forgot the passcode' }

function withTokens(): TestObject {
  const object = new TestObject().enrolled()
  object.commit((context) => {
    storeEscrow(context, 'unlock_token', TOKEN)
    storeEscrow(context, 'bootstrap_token', new Uint8Array([9]))
  })
  return object
}

describe('a token in escrow', () => {
  it('is read only together with an entry of the reader, the time and the reason', () => {
    const object = withTokens()
    const answer = object.commit((context) =>
      readEscrow(context, 'unlock_token', undefined, reader),
    )
    expect(answer).toMatchObject({ found: true, token: 1, archivedAt: 0, value: TOKEN })
    const readAt = object.now
    object.evict()
    expect(object.commit(listEscrow)).toEqual({
      kind: 'escrow',
      tokens: [
        { token: 1, kind: 'unlock_token', storedAt: 1_000_002, archivedAt: 0 },
        { token: 2, kind: 'bootstrap_token', storedAt: 1_000_002, archivedAt: 0 },
      ],
      reads: [{ ...reader, at: readAt, kind: 'unlock_token', token: 1 }],
    })
  })

  it('of an earlier enrolment is read by its number, and the device never gets it', () => {
    const object = withTokens()
    object.commit((context) => {
      archiveEscrow(context)
    })
    const read = (token?: number) =>
      object.commit((context) => readEscrow(context, 'unlock_token', token, reader))
    expect(read()).toEqual({ kind: 'absent', found: false })
    expect(read(1)).toMatchObject({ found: true, value: TOKEN })
    expect(read(2)).toEqual({ kind: 'absent', found: false })
    expect(object.commit((context) => loadEscrow(context, 'unlock_token'))).toBeUndefined()
    expect(object.commit(listEscrow).reads).toHaveLength(1)
  })

  it('does not exist in an unused object, and reading it creates no tables', () => {
    const object = new TestObject()
    expect(
      object.commit((context) => readEscrow(context, 'unlock_token', undefined, reader)),
    ).toEqual({ kind: 'absent', found: false })
    expect(object.commit(listEscrow)).toEqual({ kind: 'escrow', tokens: [], reads: [] })
    expect(object.db().all('SELECT 1 FROM sqlite_master')).toEqual([])
  })
})

describe('ClearPasscode without an unlock token', () => {
  const command = (token: Uint8Array) => ({
    uuid: 'clear',
    requestType: 'ClearPasscode',
    payload: writePlist({
      Command: { RequestType: 'ClearPasscode', UnlockToken: token },
      CommandUUID: 'clear',
    }),
    secret: true,
    source: '',
  })
  const queue = (object: TestObject, token = new Uint8Array()) =>
    object.commit((context) => queueCommand(context, '', command(token)))
  const given = (object: TestObject) =>
    object.commit((context) => handOut(context, channelOf(context, '')))
  const tokenIn = (payload: Uint8Array | undefined) =>
    bytesAt(dictAt(asDict(readPlist(payload ?? new Uint8Array())), 'Command') ?? {}, 'UnlockToken')

  it('is handed out with the token that the device escrowed last, and the queue never shows it', () => {
    const object = withTokens()
    expect(queue(object)).toEqual({ kind: 'queued', id: 'UDID-1.1', repeated: false, known: true })
    const newer = new Uint8Array([4, 5])
    object.commit((context) => {
      storeEscrow(context, 'unlock_token', newer)
    })
    const page = object.commit((context) => viewQueue(context, '', 0))
    expect(tokenIn(page.commands[0]?.payload)).toEqual(new Uint8Array())
    expect(tokenIn(given(object))).toEqual(newer)
    expect(tokenIn(given(object))).toEqual(newer)
  })

  it('keeps a token that the request has, byte for byte', () => {
    const object = withTokens()
    const own = command(new Uint8Array([7]))
    queue(object, new Uint8Array([7]))
    expect(given(object)).toEqual(own.payload)
  })

  it.each([
    ['was never enrolled', () => new TestObject()],
    [
      'escrowed one only in an earlier enrolment',
      () => {
        const object = withTokens()
        object.commit((context) => {
          archiveEscrow(context)
        })
        return object
      },
    ],
  ])('is refused for a device that %s', (_, make) => {
    expect(queue(make())).toMatchObject({
      kind: 'unusable',
      error: expect.stringContaining('has escrowed none'),
    })
  })
})
