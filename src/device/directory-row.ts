import type { EnrollmentType } from '../mdm/enrollment.ts'
import type { DeviceFacts } from '../mdm/message.ts'
import type { Context, News } from './context.ts'
import { saveDevice } from './state.ts'

/** What the directory lists of a device. An upsert takes only a newer `version`. */
export interface DirectoryRow {
  readonly id: string
  readonly type: EnrollmentType
  readonly enrolled: boolean
  readonly hidden: boolean
  readonly claimedAt: number
  readonly lastSeen: number
  readonly facts: DeviceFacts
  readonly version: number
}

/** The device's row for the directory; `undefined` when the directory has it already. */
export function directoryRow(context: Context): DirectoryRow | undefined {
  const { device } = context.state
  return device.projected >= device.version || device.state === 'unknown'
    ? undefined
    : {
        id: device.name,
        type: device.type,
        enrolled: device.state === 'enrolled',
        hidden: device.hidden,
        claimedAt: device.claimedAt,
        lastSeen: device.lastSeen,
        facts: device.facts,
        version: device.version,
      }
}

/** News as the queue carries them: the row itself goes along, so that nobody has to come for it. */
export interface ToldNews {
  readonly events: boolean
  readonly directory: DirectoryRow | undefined
}

export function toldNews(context: Context, news: News = context.effects.news): ToldNews {
  return {
    events: news.events,
    directory: news.directory ? directoryRow(context) : undefined,
  }
}

/** The directory has the row of this version. */
export function projected(context: Context, version: number): void {
  const { device } = context.state
  if (version > device.projected) {
    device.projected = version
    saveDevice(context.db, device)
  }
}
