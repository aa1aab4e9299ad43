import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import { Copy } from '../../kit/copy.tsx'
import { Section } from '../../kit/facts.tsx'
import { Shown } from '../../kit/states.tsx'
import { Tabs } from '../../kit/tabs.tsx'
import { place, wordIn } from '../../place/router.ts'
import { FindingLine } from '../health/finding.tsx'
import { Contested } from './contested.tsx'
import { Invitations } from './invitations.tsx'
import { Invite } from './invite.tsx'
import { KnownSerials } from './serials.tsx'
import { useArrival } from './waiting.tsx'

const HERE = '/console/enrolment'
const TABS = ['device', 'invitations', 'serials'] as const

/** How devices come in: the link, invitations, and the serial numbers that may. */
export default function Enrolment() {
  const tab = wordIn(place.value.query.get('tab'), TABS, 'device')
  return (
    <>
      <h1>Enrol a device</h1>
      <Tabs
        label="Parts of enrolment"
        current={tab}
        tabs={[
          { id: 'device', to: HERE, label: 'Link' },
          { id: 'invitations', to: `${HERE}?tab=invitations`, label: 'Invitations' },
          { id: 'serials', to: `${HERE}?tab=serials`, label: 'Known serial numbers' },
        ]}
      />
      {/* They come a moment later, and must not move the tabs. */}
      {may('enroll') && <Problems />}
      <Contested />
      {tab === 'device' && <NextDevice />}
      {tab === 'invitations' && <Invitations />}
      {tab === 'serials' && <KnownSerials />}
    </>
  )
}

/** The link, and the wait for the next device. */
function NextDevice() {
  const arrival = useArrival()
  return (
    <>
      <Invite arrival={arrival} />
      {may('enroll') && <OtherWays />}
    </>
  )
}

/** What keeps every device from enrolling. */
function Problems() {
  const { value } = useRead('/api/enrollment', {}).state.value
  return value && value.problems.length > 0 ? (
    <ul class="findings">
      {value.problems.map(({ text, fix }) => (
        <FindingLine key={text} of={{ level: 'error', text, fix, since: null }} />
      ))}
    </ul>
  ) : null
}

function OtherWays() {
  const read = useRead('/api/enrollment', {})
  return (
    <Section title="Other ways">
      <Shown read={read} lines={3}>
        {({ profile_url: ade, ota_url: ota, configurator_url: configurator }) => (
          <ul class="rows">
            <Way
              title="Automated Device Enrollment"
              what="The url of the profile that Setup Assistant asks."
              url={ade}
            />
            <Way
              title="Over the air"
              what="A link for people. The device shows its serial number, signed by Apple."
              url={ota}
            />
            <Way
              title="Apple Configurator"
              what="The address of the server. Add the token to the profile’s URL by hand, if it has one."
              url={configurator}
            />
          </ul>
        )}
      </Shown>
    </Section>
  )
}

function Way({
  title,
  what,
  url,
}: {
  readonly title: string
  readonly what: string
  readonly url: string
}) {
  return (
    <li>
      <div class="said">
        <p>
          <strong>{title}</strong> <span class="dim">{what}</span>
        </p>
        <p class="mono">{url}</p>
      </div>
      <Copy text={url} label={`Copy address`} />
    </li>
  )
}
