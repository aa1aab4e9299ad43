import { useId } from 'preact/hooks'
import type { Fault } from '../../../api/fault.ts'
import { useRead } from '../../../api/read.ts'
import { Check, Choice, Field } from '../../../kit/field.tsx'
import { serverNow } from '../../../time/clock.ts'
import { offeredVersions, UPDATE_PLATFORMS, type UpdateForm } from './model.ts'
import { UPDATE_SENTENCES } from './text.ts'

export type Change = (part: Partial<UpdateForm>) => void

/** Faults in these places stand at their fields. */
export const AT_FIELDS = {
  version: 'json.target',
  deadline: 'json.deadline',
  platforms: 'json.platforms',
  name: 'param.id',
} as const

export function detailAt(fault: Fault | undefined, place: string): string | undefined {
  return fault?.errors.find(({ at }) => at.startsWith(place))?.detail
}

export function atFields({ errors }: Fault): readonly string[] {
  const places = Object.values(AT_FIELDS)
  return errors.map(({ at }) => at).filter((at) => places.some((place) => at.startsWith(place)))
}

interface PartProps {
  readonly form: UpdateForm
  readonly fault: Fault | undefined
  readonly onChange: Change
}

export function What({ form, fault, onChange }: PartProps) {
  const list = useRead('/api/software-updates/versions', {}).state.value.value
  const id = useId()
  const offered = list ? offeredVersions(list, form.platforms, serverNow()) : []
  return (
    <>
      <fieldset class="plain platforms">
        <legend>Devices with</legend>
        {UPDATE_PLATFORMS.map((platform) => (
          <Check
            key={platform}
            label={platform}
            isOn={form.platforms.includes(platform)}
            onChange={(isOn) => {
              onChange({
                platforms: UPDATE_PLATFORMS.filter((one) =>
                  one === platform ? isOn : form.platforms.includes(one),
                ),
              })
            }}
          />
        ))}
        <div class="fault">{detailAt(fault, AT_FIELDS.platforms)}</div>
      </fieldset>
      <Choice
        label="Version"
        value={form.isNewest ? 'newest' : 'given'}
        of={[
          ['given', 'A given version'],
          ['newest', 'Always the newest'],
        ]}
        onChoose={(word) => {
          onChange({ isNewest: word === 'newest' })
        }}
      />
      {form.isNewest ? (
        <div class="columns">
          <Field
            label="Of the major version"
            hint="Any, if left out."
            value={form.major}
            more={{ inputMode: 'numeric', placeholder: '26' }}
            onInput={(major) => {
              onChange({ major })
            }}
          />
          <Field
            label="At least so many days old"
            hint="0, if left out."
            value={form.olderThan}
            more={{ inputMode: 'numeric' }}
            onInput={(olderThan) => {
              onChange({ olderThan })
            }}
          />
        </div>
      ) : (
        <>
          <Field
            label="Target version"
            isNeeded
            hint={UPDATE_SENTENCES.exact}
            fault={detailAt(fault, AT_FIELDS.version)}
            value={form.version}
            more={{ list: id, inputMode: 'decimal', autocomplete: 'off' }}
            onInput={(version) => {
              onChange({ version })
            }}
          />
          <datalist id={id}>
            {offered.map((version) => (
              <option key={version} value={version} />
            ))}
          </datalist>
        </>
      )}
    </>
  )
}

export function Deadline({ form, fault, onChange }: PartProps) {
  return form.isNewest ? (
    <DaysAfter
      days={form.daysAfter}
      time={form.time}
      fault={detailAt(fault, AT_FIELDS.deadline)}
      onChange={onChange}
    />
  ) : (
    <Field
      label="Deadline"
      type="datetime-local"
      isNeeded
      hint={UPDATE_SENTENCES.zone}
      fault={detailAt(fault, AT_FIELDS.deadline)}
      value={form.local}
      onInput={(local) => {
        onChange({ local })
      }}
    />
  )
}

/** A deadline for each version that comes. */
export function DaysAfter({
  days,
  time,
  fault,
  onChange,
}: {
  readonly days: string
  readonly time: string
  readonly fault?: string | undefined
  readonly onChange: (part: { readonly daysAfter?: string; readonly time?: string }) => void
}) {
  return (
    <div class="columns">
      <Field
        label="Days after its release"
        hint="And at least two days after the server has chosen it."
        value={days}
        more={{ inputMode: 'numeric' }}
        onInput={(daysAfter) => {
          onChange({ daysAfter })
        }}
      />
      <Field
        label="At"
        hint={UPDATE_SENTENCES.zone}
        fault={fault}
        value={time}
        more={{ placeholder: '19:00' }}
        onInput={(text) => {
          onChange({ time: text })
        }}
      />
    </div>
  )
}

/** Which of these devices: all, if nothing is filled in. */
export function Whom({ form, onChange }: Omit<PartProps, 'fault'>) {
  const { osVersion, below, model, serials, set } = form
  return (
    <>
      <div class="columns">
        <Field
          label="Only with the OS version"
          hint={UPDATE_SENTENCES.osVersion}
          value={osVersion}
          onInput={(text) => {
            onChange({ osVersion: text })
          }}
        />
        <Field
          label="Only before the OS version"
          value={below}
          onInput={(text) => {
            onChange({ below: text })
          }}
        />
      </div>
      <details open={model !== '' || serials !== '' || set !== ''}>
        <summary>Only some models, serial numbers, or a set</summary>
        <div class="columns">
          <Field
            label="Model"
            hint={UPDATE_SENTENCES.models}
            value={model}
            onInput={(text) => {
              onChange({ model: text })
            }}
          />
          <Field
            label="Set"
            hint={UPDATE_SENTENCES.set}
            value={set}
            onInput={(text) => {
              onChange({ set: text })
            }}
          />
        </div>
        <Field
          label="Serial numbers"
          lines={2}
          isMono
          hint={UPDATE_SENTENCES.serials}
          value={serials}
          onInput={(text) => {
            onChange({ serials: text })
          }}
        />
      </details>
    </>
  )
}
