import { useRead } from '../../../../api/read.ts'
import { Badge } from '../../../../kit/badge.tsx'
import { Button } from '../../../../kit/button.tsx'
import { Dialog } from '../../../../kit/dialog.tsx'
import { Facts } from '../../../../kit/facts.tsx'
import { Shown } from '../../../../kit/states.tsx'
import { Time } from '../../../../kit/time.tsx'
import { go, withQuery } from '../../../../place/router.ts'
import { serverNow } from '../../../../time/clock.ts'
import { type AppleDevice, migrationOf, outcomeText } from './said.ts'
import { STATUS_WORDS } from '../text.ts'

function close(): void {
  go(withQuery({ device: undefined }), { replace: true })
}

/** Apple’s record of a device, and its enrolments here. */
export function DeviceRecord({
  id,
  nameOf,
}: {
  readonly id: string
  readonly nameOf: (uuid: string | null) => string
}) {
  const read = useRead('/api/dep/devices/{id}', { path: { id } })
  return (
    <Dialog title={id} onClose={close}>
      <Shown read={read}>
        {(device) => {
          const [tone, word] = STATUS_WORDS[device.profile_status]
          const failed = outcomeText(device.outcome)
          return (
            <>
              <Facts
                of={[
                  ['Model', device.model ?? '—'],
                  ['Description', device.description ?? '—'],
                  [
                    'Profile',
                    <>
                      <Badge tone={tone}>{word}</Badge> <bdi>{nameOf(device.profile_uuid)}</bdi>
                    </>,
                  ],
                  ...(device.wanted_profile_uuid === null
                    ? []
                    : [['To be assigned', nameOf(device.wanted_profile_uuid)] as const]),
                  ...(failed === undefined
                    ? []
                    : [
                        [
                          'Last assignment',
                          <span class="bad">
                            {failed}, {device.tries} tries, next <Time at={device.next_try_at} />
                          </span>,
                        ] as const,
                      ]),
                  ['Assigned by', device.assigned_by ?? '—'],
                  ['Since', <Time at={device.assigned_at} never="—" />],
                  ['Asset tag', device.asset_tag ?? '—'],
                  [
                    'Migration',
                    device.migration_deadline === null ? 'no deadline' : deadlineOf(device),
                  ],
                  [
                    'Enrolments',
                    device.device_ids.length === 0
                      ? 'none'
                      : device.device_ids.map((one) => (
                          <a key={one} href={`/console/devices/${encodeURIComponent(one)}`}>
                            {one}{' '}
                          </a>
                        )),
                  ],
                ]}
              />
              <details>
                <summary>Apple’s record</summary>
                <pre class="mono">{JSON.stringify(device.record, null, 2)}</pre>
              </details>
            </>
          )
        }}
      </Shown>
      <div class="actions">
        <Button onClick={close}>Close</Button>
      </div>
    </Dialog>
  )
}

/** By when a device of another server has to come. */
export function deadlineOf(of: AppleDevice) {
  const found = migrationOf(of, serverNow())
  return found ? (
    <span title={of.migration_deadline ?? ''}>
      <Badge tone={found[0]}>{found[1]}</Badge>
    </span>
  ) : null
}
