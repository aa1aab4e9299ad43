import { expect, it } from 'vitest'
import type { EscrowAnswer } from '../../../../src/device/store/escrow/tokens.ts'
import { listTokens, readEscrow } from '../../../../src/device/store/escrow/tokens.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import type { TestObject } from '../object.ts'
import { connect, inSetup, send, steer } from './setup.ts'

const READER = { who: 'ada', address: '', reason: 'repair' }

/** A Mac on its desktop, with an account that opens by `first`. */
function macWithAccount(): TestObject {
  const account = send('AccountConfiguration', { awaitingOnly: true })
  const command = account.command && { ...account.command, password: 'first' }
  const object = inSetup([{ ...account, ...(command && { command }) }])
  const given = connect(object)
  const release = connect(object, 'Acknowledged', given?.uuid)
  connect(object, 'Acknowledged', release?.uuid)
  return object
}

function rotate(object: TestObject, password: string) {
  const requestType = 'SetAutoAdminPassword'
  const uuid = `${requestType}-${password}`
  const payload = writePlist({ Command: { RequestType: requestType }, CommandUUID: uuid })
  const by = { face: 'api' } as const
  const command = { uuid, requestType, payload, secret: true, source: '', by }
  return steer(object, { kind: 'rotate', command, password })
}

function passwordsIn(object: TestObject): (string | undefined)[] {
  return object.commit((context) =>
    listTokens(context.db).map(({ token }) =>
      textOf(readEscrow(context, 'admin_password', token, READER)),
    ),
  )
}

function textOf(answer: EscrowAnswer): string | undefined {
  return answer.found ? new TextDecoder().decode(answer.value) : undefined
}

it('keeps the password that opens the account, however often the device refuses another one', () => {
  const object = macWithAccount()
  for (let n = 0; n < 8; n += 1) {
    expect(rotate(object, `vain ${n}`).kind).toBe('queued')
    const given = connect(object)
    expect(given?.type).toBe('SetAutoAdminPassword')
    connect(object, 'Error', given?.uuid)
  }
  expect(passwordsIn(object)).toEqual(['first', 'vain 7'])
})

it('keeps the last passwords that the device has taken', () => {
  const object = macWithAccount()
  for (const password of ['second', 'third']) {
    rotate(object, password)
    const given = connect(object)
    connect(object, 'Acknowledged', given?.uuid)
  }
  rotate(object, 'fourth')
  expect(passwordsIn(object)).toEqual(['first', 'second', 'third', 'fourth'])
})

it('changes the password once at a time', () => {
  const object = macWithAccount()
  rotate(object, 'second')
  expect(rotate(object, 'third')).toEqual({
    kind: 'refused',
    error: 'UDID-1.3 changes the password already: wait for its answer, or cancel it',
  })
  expect(passwordsIn(object)).toEqual(['first', 'second'])
})
