import { useRead } from '../../api/read.ts'
import { may } from '../../api/session.ts'
import { Button } from '../../kit/button.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Note, Shown } from '../../kit/states.tsx'
import { ArrivedDevice } from './device-card.tsx'
import { Qr } from './qr.tsx'
import { HOW } from './text.ts'
import { type Arrival, Steps } from './waiting.tsx'

/** The link for a device, and what comes of it: the device itself once it has enrolled. */
export function Invite({ arrival }: { readonly arrival: Arrival }) {
  const { read, arrived, wait } = arrival
  return (
    <div class="invite">
      <div class="card">
        {arrived ? (
          <div role="status">
            <h2>{arrived.detail ?? 'The device'} is here</h2>
            <ArrivedDevice id={arrived.device_id} />
            <Button onClick={wait}>Enrol another</Button>
          </div>
        ) : (
          <Link />
        )}
      </div>
      <div class="card">
        <h2>{arrived ? 'What happened' : 'Waiting for a device…'}</h2>
        <Steps read={read} />
      </div>
    </div>
  )
}

function Link() {
  return may('enroll') ? (
    <OpenLink />
  ) : (
    <Note>
      <p>
        The link holds what opens the enrolment, so it needs the scope <code>enroll</code>, which
        your key lacks. Ask the person who made your key for the link.
      </p>
    </Note>
  )
}

function OpenLink() {
  const read = useRead('/api/enrollment', {})
  return (
    <Shown read={read} lines={5}>
      {({ link, meaning }) => (
        <div class="link">
          <Qr text={link} label="QR code of the enrolment link" />
          <div>
            <p class="address">
              <a href={link} target="_blank" rel="noreferrer" class="mono">
                {link}
              </a>
              <Copy text={link} label="Copy link" />
            </p>
            <dl class="help">
              {HOW.map(([device, what]) => (
                <div key={device}>
                  <dt>{device}</dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
            <p class="dim">{`${meaning.slice(0, 1).toUpperCase()}${meaning.slice(1)}.`}</p>
          </div>
        </div>
      )}
    </Shown>
  )
}
