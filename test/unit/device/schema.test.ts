import { expect, it } from 'vitest'
import { saveChannel, channelOf } from '../../../src/device/state.ts'
import { TestObject } from './object.ts'

it('an object whose tables have the first form goes on with the present one, and its users claim their ids anew', () => {
  const object = new TestObject().enrolled()
  object.commit((context) => {
    saveChannel(context.db, Object.assign(channelOf(context, 'ADA'), { claim: 'made' }))
  })
  for (const statement of [
    'ALTER TABLE channels DROP COLUMN used_at',
    'ALTER TABLE channels DROP COLUMN parked',
    'ALTER TABLE device DROP COLUMN namesake',
    'ALTER TABLE device DROP COLUMN contest',
    'ALTER TABLE identities DROP COLUMN proof',
    'ALTER TABLE identities DROP COLUMN heard',
    'ALTER TABLE commands DROP COLUMN held_for',
    'ALTER TABLE device ADD COLUMN displaced INTEGER NOT NULL DEFAULT 1',
    'ALTER TABLE identities DROP COLUMN proven_serial',
    'ALTER TABLE channels RENAME COLUMN claim TO alias',
    'CREATE TABLE aliases (owner TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (owner, user)) WITHOUT ROWID',
    'UPDATE device SET schema = 1',
  ]) {
    object.db().run(statement)
  }
  object.evict()
  for (const loaded of ['upgraded', 'loaded again']) {
    const { device, channels } = object.commit(({ state }) => state)
    expect({ loaded, ...device }).toMatchObject({ schema: 3, state: 'enrolled', namesake: '' })
    expect(channels).toMatchObject([{}, { user: 'ADA', claim: 'none' }])
    object.evict()
  }
})
