import { expect, it } from 'vitest'
import { storeEscrow } from '../../../../src/device/store/escrow/tokens.ts'
import { saveChannel } from '../../../../src/device/store/channel-row.ts'
import { channelOf } from '../../../../src/device/store/channels.ts'
import { TestObject } from '../object.ts'

it('tables of the first version are migrated, and users claim their ids again', () => {
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
    'ALTER TABLE commands DROP COLUMN handed_epoch',
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

it('a migrated object keeps its tokens in escrow; one without tokens creates the table on first use', () => {
  for (const tokens of [1, 0]) {
    const object = new TestObject().enrolled()
    if (tokens > 0) {
      object.commit((context) => {
        storeEscrow(context, 'unlock_token', new Uint8Array([1]))
      })
      object.db().run('ALTER TABLE escrow DROP COLUMN proven')
    }
    object.db().run('ALTER TABLE channels DROP COLUMN used_at')
    object.db().run('ALTER TABLE channels DROP COLUMN parked')
    for (const column of ['proof', 'heard', 'proven_serial']) {
      object.db().run(`ALTER TABLE identities DROP COLUMN ${column}`)
    }
    object.db().run('ALTER TABLE commands DROP COLUMN held_for')
    object.db().run('ALTER TABLE commands DROP COLUMN handed_epoch')
    object.db().run('ALTER TABLE device DROP COLUMN contest')
    object.db().run('ALTER TABLE device ADD COLUMN displaced INTEGER NOT NULL DEFAULT 0')
    object.db().run('UPDATE device SET schema = 2')
    object.evict()
    object.commit((context) => {
      storeEscrow(context, 'bootstrap_token', new Uint8Array([2]))
    })
    expect(object.db().all('SELECT proven FROM escrow')).toHaveLength(tokens + 1)
  }
})
