import { createHash, randomBytes } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { newEffects, type Context } from '../../../src/device/store/context.ts'
import type { DeviceSettings } from '../../../src/config/settings.ts'
import type { Db } from '../../../src/storage/db.ts'
import {
  loadState,
  saveDevice,
  writeState,
  type Loaded,
} from '../../../src/device/store/rows/save.ts'
import { createSealer } from '../../../src/pki/seal/seal.ts'

const sealer = createSealer(`test:${randomBytes(32).toString('base64')}`)

const SETTINGS: DeviceSettings = {
  keepResults: { kind: 'bounded', count: 5, ms: 86_400_000 },
  keepEvents: { count: 0, ms: 0 },
  maxQueue: 100,
  deferredAfter: { count: 3, ms: 86_400_000 },
  autoDeviceConfigured: false,
  trustOnFirstUse: true,
  udidCertAuthWarnOnly: false,
  pushTopic: '',
}

/** A device object's decisions over a real SQLite, with a clock that the test turns. */
export class TestObject {
  /** With the limits of Durable Objects, which are stricter than those of workerd. */
  readonly database = new DatabaseSync(':memory:', {
    limits: { functionArg: 32, variableNumber: 100, sqlLength: 100_000, likePatternLength: 50 },
  })
  readonly settings: DeviceSettings
  readonly name: string
  now = 1_000_000
  effects = newEffects()
  /** Bytes that the storage holds beside its rows. */
  ballast = 0
  #loaded: Loaded | undefined
  /** As the runtime does, so that a test spends its time on rows. */
  readonly #prepared = new Map<string, StatementSync>()
  readonly #db: Db = {
    all: <Row>(query: string, ...values: unknown[]) =>
      this.#prepare(query).all(...(values as never[])) as Row[],
    run: (query, ...values) => {
      if (values.length === 0) {
        this.database.exec(query)
      } else {
        this.#prepare(query).run(...(values as never[]))
      }
    },
    size: () => this.ballast + this.#bytesInUse(),
  }

  constructor(name = 'UDID-1', settings: Partial<DeviceSettings> = {}) {
    this.name = name
    this.settings = { ...SETTINGS, ...settings }
  }

  commit<Answer>(decide: (context: Context) => Answer): Answer {
    this.now += 1
    this.effects = newEffects()
    this.database.exec('BEGIN')
    try {
      const { state, db } = (this.#loaded ??= loadState(this.#db, this.name))
      const context = {
        db,
        sealer,
        name: this.name,
        state,
        settings: this.settings,
        now: this.now,
        hash: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'),
        effects: this.effects,
      }
      const answer = decide(context)
      writeState(context)
      this.database.exec('COMMIT')
      return answer
    } catch (error) {
      this.database.exec('ROLLBACK')
      this.#loaded = undefined
      throw error
    }
  }

  /** The same object, as that of a device that has enrolled. */
  enrolled(): this {
    this.commit((context) => {
      context.state.device.state = 'enrolled'
      saveDevice(context)
    })
    return this
  }

  /** Memory goes, rows stay. */
  evict(): void {
    this.#loaded = undefined
  }

  #prepare(query: string): StatementSync {
    const statement = this.#prepared.get(query) ?? this.database.prepare(query)
    this.#prepared.set(query, statement)
    return statement
  }

  #bytesInUse(): number {
    const [{ bytes = 0 } = {}] = this.#db.all<{ bytes?: number }>(
      'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
    )
    return bytes
  }

  seal(bytes: Uint8Array, place: string): Uint8Array {
    return sealer.seal(bytes, place)
  }

  db(): Db {
    return this.#db
  }
}
