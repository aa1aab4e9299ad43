import { absolute, clockTime } from '../../time/words.ts'
import { inOrder, STEP_WORDS } from './text.ts'
import type { CommandDetail } from './use-command.ts'

/** The steps of a command, each with its time. */
export function Timeline({ of: steps }: { readonly of: CommandDetail['timeline'] }) {
  return (
    <ol class="command-steps">
      {inOrder(steps).map(({ at, what, times, last_at: last, detail }) => (
        <li key={what + at} class={what}>
          <strong>{STEP_WORDS[what]}</strong>{' '}
          <time dateTime={at} title={absolute(Date.parse(at))}>
            {clockTime(Date.parse(at))}
          </time>
          {times > 1 && (
            <span class="dim">
              {' '}
              {times} times, last at {clockTime(Date.parse(last))}
            </span>
          )}
          {detail !== null && (
            <span class="dim detail" title={detail}>
              {' '}
              {wordOf(detail)}
            </span>
          )}
        </li>
      ))}
    </ol>
  )
}

/** Behind `delivered` stands Apple's id of the push, which only a search in logs needs. */
function wordOf(detail: string): string {
  return detail.replace(/^(delivered): .*$/, '$1')
}
