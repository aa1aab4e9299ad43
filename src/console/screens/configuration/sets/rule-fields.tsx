import { Check, Choice, Field } from '../../../kit/field.tsx'
import { RULE_PLATFORMS, type RuleDraft } from './rule.ts'

/** The form of a rule: which devices belong to a set by themselves. All parts have to match. */
export function RuleFields({
  draft,
  faults,
  onChange,
}: {
  readonly draft: RuleDraft
  /** By the API’s names: `os_version_from`. */
  readonly faults: ReadonlyMap<string, string>
  readonly onChange: (draft: RuleDraft) => void
}) {
  const text = (
    name: 'from' | 'below' | 'exact' | 'model' | 'serials',
    label: string,
    of: { readonly word: string; readonly hint?: string; readonly lines?: number },
  ) => (
    <Field
      label={label}
      value={draft[name]}
      hint={of.hint}
      fault={faults.get(of.word)}
      {...(of.lines !== undefined && { lines: of.lines })}
      more={{ autocomplete: 'off', spellcheck: false }}
      onInput={(typed) => {
        onChange({ ...draft, [name]: typed })
      }}
    />
  )
  return (
    <>
      <Check
        label="Devices belong to it by a rule"
        isOn={draft.isOn}
        onChange={(isOn) => {
          onChange({ ...draft, isOn })
        }}
      />
      {draft.isOn && (
        <>
          <Platforms draft={draft} onChange={onChange} />
          <div class="rule-parts">
            {text('from', 'OS from', { word: 'os_version_from', hint: 'This version or later.' })}
            {text('below', 'OS before', { word: 'os_version_below' })}
            {text('exact', 'OS exactly', { word: 'os_version', hint: '26 means 26.1 too.' })}
            <Choice
              label="Supervised"
              value={draft.supervised}
              none="Either"
              of={[
                ['true', 'Supervised'],
                ['false', 'Not supervised'],
              ]}
              onChoose={(word) => {
                const supervised = word === 'true' || word === 'false' ? word : ''
                onChange({ ...draft, supervised })
              }}
            />
            <Choice
              label="It takes"
              value={draft.channel}
              of={[
                ['device', 'Devices'],
                ['user', 'Users of these devices'],
              ]}
              onChoose={(word) => {
                onChange({ ...draft, channel: word === 'user' ? 'user' : 'device' })
              }}
            />
          </div>
          {text('model', 'Models', {
            word: 'model',
            lines: 2,
            hint: 'Or how they begin, one a line: MacBookAir.',
          })}
          {text('serials', 'Serial numbers', {
            word: 'serial_number',
            lines: 2,
            hint: 'One a line. A serial number counts only if it is proven.',
          })}
        </>
      )}
    </>
  )
}

function Platforms({
  draft,
  onChange,
}: {
  readonly draft: RuleDraft
  readonly onChange: (draft: RuleDraft) => void
}) {
  return (
    <fieldset class="set-choice">
      <legend>Platform (none: all)</legend>
      <div class="rule-parts platforms">
        {RULE_PLATFORMS.map((platform) => (
          <Check
            key={platform}
            label={platform}
            isOn={draft.platform.includes(platform)}
            onChange={(isOn) => {
              const others = draft.platform.filter((one) => one !== platform)
              onChange({ ...draft, platform: isOn ? [...others, platform] : others })
            }}
          />
        ))}
      </div>
    </fieldset>
  )
}
