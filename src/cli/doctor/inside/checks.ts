import type { DoctorCheck, DoctorContext, DoctorVerdict } from '../check.ts'
import { checkConfig } from './config.ts'
import { askInside, type ServerQuestion } from './from-server.ts'
import { checkWebhooks } from './webhooks.ts'

type Look = ServerQuestion | ((context: DoctorContext) => Promise<DoctorVerdict>)
type Row = readonly [number: number, id: string, title: string, look: Look, seconds?: number]

/** The server answers a probe within this time. */
const PROBE = 40
/** A look at all devices, which several checks share. */
const SHARED = 25

/** Which checks of the server answer which number. */
const TABLE: readonly Row[] = [
  [9, 'config', 'the settings fit', checkConfig, SHARED],
  [12, 'd1', 'D1 is migrated, writable and has room', { health: ['directory', 'version'] }, SHARED],
  [
    13,
    'objects',
    'objects write, read and wake up',
    { health: ['control'], probe: 'objects' },
    PROBE,
  ],
  [14, 'queue', 'the queue reaches its consumer', { health: [], probe: 'queue' }, PROBE],
  [15, 'webhooks', 'receivers of webhooks take a test event', checkWebhooks, PROBE],
  [
    16,
    'apns',
    'APNs takes the push certificate',
    { health: ['push.binding', 'push.circuit'], probe: 'push' },
    PROBE,
  ],
  [
    17,
    'push-certificate',
    'the push certificate is good for all devices',
    { health: ['push.certificate', 'push.topic'], sampled: ['push.topic'], isSampleOptional: true },
    SHARED,
  ],
  [
    18,
    'certificates',
    'the CA and the identities of devices are good',
    { health: ['ca', 'identities', 'profile.signing'] },
    SHARED,
  ],
  [19, 'dep', 'Apple Business Manager answers', { health: ['dep.token', 'dep.sync'] }, SHARED],
  [20, 'cron', 'the daily cron runs', { health: ['cron', 'duties'] }, SHARED],
  [
    21,
    'alarms',
    'devices with work have an alarm',
    { health: [], sampled: ['devices', 'devices.alarms'] },
    SHARED,
  ],
  [
    22,
    'seal-keys',
    'the keys of all sealed values are there',
    { health: ['seal'], sampled: ['devices.seal'] },
    SHARED,
  ],
  [
    23,
    'rows',
    'D1 and the objects of devices agree',
    { health: [], sampled: ['devices.rows'] },
    SHARED,
  ],
]

const NOT_BUILT = 'not in this release: a frozen mode with a brake, and backups'

/** What the server finds itself, asked with a key. */
export const INSIDE_CHECKS: readonly DoctorCheck[] = [
  ...TABLE.map(([number, id, title, look, seconds = SHARED]): DoctorCheck => ({
    number,
    id,
    title,
    needs: 'key',
    seconds,
    run: typeof look === 'function' ? look : (context) => askInside(context, look),
  })),
  ...(
    [
      [24, 'mode', 'the server is active'],
      [25, 'backup', 'the last backup is good'],
    ] as const
  ).map(([number, id, title]): DoctorCheck => ({
    number,
    id,
    title,
    needs: 'nothing',
    run: () => Promise.resolve({ level: 'skip', seen: NOT_BUILT }),
  })),
]
