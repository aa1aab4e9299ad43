import { useRead } from '../../../api/read.ts'
import { may } from '../../../api/session.ts'
import type { Schema } from '../../../api/types.ts'
import { go, place, withQuery } from '../../../place/router.ts'
import { Button, needs } from '../../../kit/button.tsx'
import { Section } from '../../../kit/facts.tsx'
import { Empty, Shown } from '../../../kit/states.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { Time } from '../../../kit/time.tsx'
import { reasonsBefore, secretsOfDevice, TOKEN_WORDS, type DeviceSecret } from '../secret-words.ts'
import { Reveal } from './reveal.tsx'

type ReadEntry = Schema<'EscrowRead'>

function closeReveal(): void {
  go(withQuery({ reveal: undefined }), { replace: true })
}

/** All that can be revealed of the device, and every time that somebody did. */
export function Secrets({ device: { id } }: { readonly device: Schema<'DeviceDetail'> }) {
  const tokens = useRead('/api/devices/{id}/escrow', { path: { id } })
  const commands = useRead('/api/devices/{id}/escrow/commands', { path: { id } })
  const reads = useRead('/api/devices/{id}/escrow/reads', { path: { id } })
  const asked = place.value.query.get('reveal')
  return (
    <>
      <Shown read={tokens} lines={2}>
        {({ items: escrowed }) => (
          <Shown read={commands} lines={2}>
            {({ items: sent }) => {
              const secrets = secretsOfDevice(escrowed, sent)
              return (
                <>
                  <SecretList secrets={secrets} />
                  {asked !== null && (
                    <Reveal
                      device={id}
                      secrets={secrets}
                      asked={asked}
                      reasons={reasonsBefore(reads.state.value.value?.items ?? [])}
                      onClose={closeReveal}
                    />
                  )}
                </>
              )
            }}
          </Shown>
        )}
      </Shown>
      <Section title="Readings">
        <Shown read={reads} lines={2}>
          {({ items }) =>
            items.length === 0 ? (
              <p class="dim">No reading is recorded.</p>
            ) : (
              <Table
                label="Readings"
                columns={COLUMNS}
                rows={items.map((read, n) => ({ ...read, row: `${items.length - n}` }))}
                idOf={({ row }) => row}
              />
            )
          }
        </Shown>
      </Section>
    </>
  )
}

function SecretList({ secrets }: { readonly secrets: readonly DeviceSecret[] }) {
  if (secrets.length === 0) {
    return (
      <Empty title="The server keeps no secret of this device">
        <p>
          Tokens come with the enrolment. PINs and passwords stand here as soon as a command has set
          them.
        </p>
      </Empty>
    )
  }
  return (
    <Section title="Secrets">
      <ul class="commands">
        {secrets.map((secret) => (
          <li key={secret.id}>
            <span class="what">{secret.label}</span>
            <span class="reason dim">
              {secret.origin}, <Time at={secret.at} never="at an unknown time" />
            </span>
            <span class="actions">
              <Button
                why={needs('secrets', may('secrets'))}
                label={`Reveal ${secret.label}, ${secret.origin}`}
                onClick={() => {
                  go(withQuery({ reveal: secret.id }), { replace: true })
                }}
              >
                Reveal…
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

const COLUMNS: readonly Column<ReadEntry & { readonly row: string }>[] = [
  { id: 'who', label: 'Who', cell: ({ who }) => <bdi>{who}</bdi> },
  { id: 'what', label: 'What', cell: (read) => whatWasRead(read) },
  {
    id: 'reason',
    label: 'Reason',
    cell: ({ reason }) => <bdi title={reason}>{reason}</bdi>,
  },
  { id: 'at', label: 'When', cell: ({ at }) => <Time at={at} /> },
  { id: 'address', label: 'From', isWide: true, cell: ({ address }) => address ?? '—' },
]

function whatWasRead({ kind, command_id: command }: ReadEntry): string {
  switch (kind) {
    case 'command':
      return `Command #${command?.slice(command.lastIndexOf('.') + 1) ?? '?'}`
    case 'export':
      return 'All tokens, for another server'
    default:
      return TOKEN_WORDS[kind]
  }
}
