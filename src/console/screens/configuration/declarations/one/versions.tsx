import { useRead } from '../../../../api/read.ts'
import { may } from '../../../../api/session.ts'
import type { Schema } from '../../../../api/types.ts'
import { Badge } from '../../../../kit/badge.tsx'
import { Button, needs } from '../../../../kit/button.tsx'
import { Shown } from '../../../../kit/states.tsx'
import { Time } from '../../../../kit/time.tsx'
import { Tree } from '../../../command/tree.tsx'
import { restoreVersion } from '../deeds.ts'
import { differences } from '../form/draft.ts'

/** The contents that are kept, newest first. Each can come back, as a new version. */
export function VersionsPart({
  of: { id, version: present, payload },
}: {
  readonly of: Schema<'DeclarationDetail'>
}) {
  const read = useRead('/api/declarations/{id}/versions', { path: { id } })
  return (
    <Shown read={read}>
      {({ items }) => (
        <ul class="rows versions">
          {items.map((one) => (
            <li key={one.version}>
              <div class="said">
                <p>
                  Version {one.version}, stored <Time at={one.created_at} />{' '}
                  {one.version === present && <Badge tone="good">Present</Badge>}
                </p>
                {one.version !== present && (
                  <p class="dim">{differenceWords(differences(one.payload, payload))}</p>
                )}
                <details class="folded">
                  <summary>Its payload</summary>
                  <Tree value={one.payload} />
                </details>
              </div>
              {one.version !== present && (
                <Button
                  why={needs('config', may('config'))}
                  label={`Restore version ${one.version}`}
                  onClick={() => restoreVersion(id, one.version, present)}
                >
                  Restore
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Shown>
  )
}

const NAMED = 5

function differenceWords(paths: readonly string[]): string {
  return paths.length === 0
    ? 'The same content as now.'
    : `Differs from now in ${paths.slice(0, NAMED).join(', ')}${
        paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ''
      }.`
}
