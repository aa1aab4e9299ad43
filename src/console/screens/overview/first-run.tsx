import type { ComponentChildren } from 'preact'
import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import { Badge, type Tone } from '../../kit/badge.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Ends } from '../../kit/time.tsx'
import { counted } from '../../time/words.ts'
import { Invite } from '../enrolment/invite.tsx'
import { useArrival } from '../enrolment/waiting.tsx'

/** Somebody repairs things beside this page: it ticks by itself. */
const EACH = 5000

/** An empty server: what it needs before a device can come, and then the device. */
export function FirstRun() {
  const arrival = useArrival()
  return (
    <>
      <p class="dim">No device is enrolled yet. These steps lead to the first one.</p>
      <ol class="checklist">
        <Address />
        <PushStep />
        <AuthorityStep />
        <WebhookStep />
      </ol>
      <Invite arrival={arrival} />
    </>
  )
}

function Address() {
  // Who may not see the links sees the address that the browser uses.
  return may('enroll') ? <AddressOfLink /> : <AddressShown url={location.origin} />
}

function AddressOfLink() {
  const { value } = useRead('/api/enrollment', {}, { each: EACH }).state.value
  return <AddressShown url={value?.configurator_url} />
}

function AddressShown({ url }: { readonly url: string | undefined }) {
  const isGood = url?.startsWith('https:')
  return (
    <Item tone={url === undefined ? 'busy' : isGood ? 'good' : 'bad'} title="Address">
      <span class="mono">{url}</span>
      {isGood === false && (
        <p class="dim">
          It is not https: Apple devices refuse the profile. Deploy the server, or put a proxy with
          TLS in front of it: <code>docs/deploy.md</code>.
        </p>
      )}
    </Item>
  )
}

function PushStep() {
  const { value, fault } = useRead('/api/push-certificate', {}, { each: EACH }).state.value
  return (
    <Item tone={value ? 'good' : fault ? 'bad' : 'busy'} title="Push certificate">
      {value && !fault ? (
        <>
          <span class="mono">{value.topic}</span> <Ends at={value.expires_at} />
        </>
      ) : fault?.code === 'push_certificate_not_found' ? (
        <>
          <span>None: devices cannot be reached.</span>
          <Command text="npm run push-cert" />
        </>
      ) : (
        fault?.detail
      )}
    </Item>
  )
}

function AuthorityStep() {
  const { value, fault } = useRead('/api/ca', {}, { each: EACH }).state.value
  const issuing = value?.items.find(({ issues }) => issues)
  return (
    <Item tone={issuing ? 'good' : value || fault ? 'bad' : 'busy'} title="Certificate authority">
      {issuing ? (
        <>
          {issuing.subject.replace(/^CN=/, '')} <Ends at={issuing.expires_at} />
        </>
      ) : value ? (
        <>
          <span>None: no device gets an identity.</span>
          <Command text="npm run ca -- create" />
        </>
      ) : (
        fault?.detail
      )}
    </Item>
  )
}

function WebhookStep() {
  const { value, fault } = useRead('/api/webhooks', { query: { limit: 40 } }).state.value
  const count = value?.items.length ?? 0
  return (
    <Item tone={count > 0 ? 'good' : 'quiet'} title="Webhook (optional)">
      {fault
        ? fault.detail
        : count > 0
          ? counted(count, 'webhook')
          : value && (
              <>
                None. Other programs hear of devices by <a href="/console/webhooks">webhooks</a>.
              </>
            )}
    </Item>
  )
}

const DONE: Readonly<Partial<Record<Tone, string>>> = { good: 'Done', bad: 'To do', quiet: 'Open' }

function Item({
  tone,
  title,
  children,
}: {
  readonly tone: Tone
  readonly title: string
  readonly children: ComponentChildren
}) {
  return (
    <li>
      <Badge tone={tone}>
        <span class="unseen">{DONE[tone] ?? 'Looking'}: </span>
      </Badge>
      <strong>{title}</strong>
      <div>{children}</div>
    </li>
  )
}

function Command({ text }: { readonly text: string }) {
  return (
    <span class="to-paste">
      <code>{text}</code>
      <Copy text={text} />
    </span>
  )
}
