import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JsonObject } from '../../composer/draft.ts'
import { Copy } from '../../kit/copy.tsx'
import { Note } from '../../kit/states.tsx'
import { fingerprintsOf } from '../../results/certificate.ts'
import { errorAdvice } from '../../results/errors.ts'
import { blocksOf } from '../../results/view.ts'
import { Blocks } from './blocks.tsx'
import { Differences, isCompared } from './differences.tsx'
import { RawAnswer } from './raw.tsx'
import { SaveButton } from './save.tsx'
import { Segments } from './segments.tsx'
import { GONE, NO_ANSWER_YET, ONLY_DONE } from './text.ts'
import { Tree } from './tree.tsx'
import type { CommandDetail } from './use-command.ts'

const VIEWS = [
  ['table', 'Table'],
  ['keys', 'All keys'],
  ['json', 'JSON'],
  ['plist', 'Property list'],
] as const

/** A longer JSON is cut on the page, and saved whole. */
const SHOWN = 200_000

/** What the device answered: to read, and raw. */
export function AnswerView({ of: command }: { readonly of: CommandDetail }) {
  const view = useSignal<(typeof VIEWS)[number][0]>('table')
  const { id, request_type: type, errors, secrets } = command
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's answer is JSON
  const result = command.result as JsonObject | null
  if (result === null) {
    return command.answered_at === null ? (
      command.ended_at === null ? (
        <p class="dim">{NO_ANSWER_YET}</p>
      ) : null
    ) : (
      <p class="dim">{GONE}</p>
    )
  }
  return (
    <>
      <Errors of={errors} />
      <Segments
        label="How to show the answer"
        of={secrets.some((name) => name.startsWith('result')) ? VIEWS.slice(0, -1) : VIEWS}
        current={view.value}
        onChoose={(word) => {
          view.value = word
        }}
      />
      {view.value === 'table' && (
        <>
          <Readable type={type} result={result} isDone={errors.length === 0} />
          {isCompared(type) && command.state === 'acknowledged' && (
            <Differences key={id} of={{ id, device: command.enrollment_id, type }} />
          )}
        </>
      )}
      {view.value === 'keys' && <Tree value={result} />}
      {view.value === 'json' && <JsonAnswer id={id} result={result} />}
      {view.value === 'plist' && <RawAnswer id={id} />}
    </>
  )
}

function Readable({
  type,
  result,
  isDone,
}: {
  readonly type: string
  readonly result: JsonObject
  readonly isDone: boolean
}) {
  const fingerprints = useSignal<ReadonlyMap<string, string>>(new Map())
  useEffect(() => {
    if (type === 'CertificateList') {
      void fingerprintsOf(result).then((found) => {
        fingerprints.value = found
      })
    }
  }, [result])
  const blocks = blocksOf(type, result, fingerprints.value)
  return blocks.length === 0 ? (
    isDone ? (
      <p class="dim">{ONLY_DONE}</p>
    ) : null
  ) : (
    <Blocks of={blocks} name={type} />
  )
}

function JsonAnswer({ id, result }: { readonly id: string; readonly result: JsonObject }) {
  const text = JSON.stringify(result, null, 2)
  return (
    <>
      <div class="actions">
        <SaveButton label="Save as file" name={`${id}.json`} text={() => text} />
        <Copy text={text} />
      </div>
      <pre class="raw" tabIndex={0} aria-label="JSON">
        {text.length > SHOWN ? `${text.slice(0, SHOWN)}\n…` : text}
      </pre>
    </>
  )
}

/** The device's own words, each with what to do where that is known. */
function Errors({ of: errors }: { readonly of: CommandDetail['errors'] }) {
  if (errors.length === 0) {
    return null
  }
  return (
    <Note tone="bad">
      {errors.map(({ code, domain, description }, n) => (
        <p key={n}>
          {description ?? 'The device gave no reason.'}{' '}
          <span class="dim">
            {domain} {code}
          </span>
          <Advice domain={domain} code={code} />
        </p>
      ))}
    </Note>
  )
}

function Advice({
  domain,
  code,
}: {
  readonly domain: string | null
  readonly code: number | null
}) {
  const advice = errorAdvice(domain, code)
  return advice === undefined ? null : (
    <>
      <br />
      {advice}
    </>
  )
}
