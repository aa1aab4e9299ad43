/** The checks between the push certificate in use and the one that follows it. */
import { readPushCertificate } from '../../pki/x509/push-certificate.ts'
import { CliError } from '../error.ts'
import type { PushPair } from '../settings.ts'
import { topicOfPush } from './pair.ts'
import { dayOf } from './record.ts'

export interface PushChange {
  /** PEM of the certificate in use. */
  readonly before: string | undefined
  readonly push: PushPair
  readonly force: boolean
  /** Counts the enrolled devices; asked only when the topic changes. */
  readonly enrolled: () => number | Promise<number>
}

/** @throws CliError for another topic while devices are enrolled, and for an end that is not later */
export async function checkPushChange(change: PushChange): Promise<void> {
  const { before, push, force } = change
  refuseEarlierEnd(before, push, force)
  const topic = topicOfPush(before)
  if (topic !== push.topic && !force) {
    refuseOtherTopic({ enrolled: await change.enrolled(), before: topic, after: push.topic })
  }
}

/** Of two certificates of one topic, the one that ends later is the renewed one. */
export function refuseEarlierEnd(before: string | undefined, push: PushPair, force: boolean): void {
  const read = before === undefined ? '' : readPushCertificate(before)
  if (
    typeof read === 'string' ||
    read.uid !== push.topic ||
    read.fingerprint === push.fingerprint
  ) {
    return
  }
  if (push.notAfter <= read.notAfter && !force) {
    throw new CliError(
      `this certificate ends on ${dayOf(push.notAfter)}, and the one in use only on ` +
        `${dayOf(read.notAfter)}: give the renewed one, or say --force to go back to this one`,
    )
  }
}

/** Devices that are enrolled under one topic cannot be reached under another. */
function refuseOtherTopic(change: { enrolled: number; before: string; after: string }): void {
  const { enrolled, before, after } = change
  if (enrolled > 0) {
    throw new CliError(
      `${enrolled} devices are enrolled${before === '' ? '' : ` with the topic ${before}`}, ` +
        `and this certificate is for ${after}. Renew the certificate of their topic with the Apple ` +
        'Account that made it. With --force the topic changes, and every device has to enrol again',
    )
  }
}
