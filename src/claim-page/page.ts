/** The page that claims a server (docs/claim.md). It keeps nothing: a reload asks for the code again. */
import {
  type ClaimAnswer,
  type SetupKeys,
  type ClaimEffects,
  askSetupKeys,
  confirmSetup,
  giveAuthority,
  readEnrolmentLink,
  readSetupState,
} from './calls.ts'
import { CLAIMED, hintOf, INSECURE, nextCommands, recoveryFile, sentenceOf } from './texts.ts'

const effects: ClaimEffects = {
  fetch: (path, init) => fetch(path, init),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  subtle: crypto.subtle,
}

const TITLES = {
  'code-step': 'Set up this server',
  'keys-step': 'Keep the keys',
  'next-step': 'The server is yours',
}

/** An element of page.html, which has each id that is asked for. */
function part<Kind extends HTMLElement = HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id)
  if (!(element instanceof kind)) {
    throw new TypeError(`page.html has no ${id}`)
  }
  return element
}

const codeInput = part('code', HTMLInputElement)
const kept = part('kept', HTMLInputElement)
const finish = part('finish', HTMLButtonElement)

function say(id: string, text: string): void {
  const element = part(id, HTMLElement)
  element.textContent = text
  element.hidden = text === ''
}

/** Shows one step; none for the end of a claim that cannot go on. */
function show(step?: keyof typeof TITLES): void {
  for (const id of Object.keys(TITLES)) {
    part(id, HTMLElement).hidden = id !== step
  }
  if (step !== undefined) {
    say('title', TITLES[step])
    part('title', HTMLElement).focus()
  }
}

/** Takes one submission at a time, and says what goes on meanwhile. */
function onSubmit(id: string, status: string, run: () => Promise<void>): void {
  const form = part(id, HTMLFormElement)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const button = form.querySelector('button')
    if (!button || button.disabled) {
      return
    }
    button.disabled = true
    say('fault', '')
    say('working', status)
    void run().finally(() => {
      button.disabled = false
      say('working', '')
    })
  })
}

/** The value of an answer; without one, the page says why. */
function valueOf<Value>(answer: ClaimAnswer<Value>): Value | undefined {
  if (answer.ok) {
    return answer.value
  }
  say('fault', sentenceOf(answer.fault))
  if (answer.fault.code === 'already_claimed') {
    show()
  }
  return undefined
}

let keys: SetupKeys | undefined

async function askKeys(): Promise<void> {
  keys = valueOf(await askSetupKeys(effects, codeInput.value.trim()))
  if (!keys) {
    return
  }
  say('api-key', keys.api_key)
  say('seal-keys', keys.seal_keys)
  const { name, text } = recoveryFile(keys, new Date())
  const link = part('recovery', HTMLAnchorElement)
  link.download = name
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  show('keys-step')
}

part('recovery', HTMLAnchorElement).addEventListener('click', () => {
  kept.disabled = false
})
kept.addEventListener('change', () => {
  finish.disabled = !kept.checked
})

/** Asks before the page is left: the server would have no certificate authority. */
function keepOpen(event: Event): void {
  event.preventDefault()
}

/** Each call may be repeated: after a fault, the same button goes on where it stopped. */
async function finishClaim(): Promise<void> {
  if (!keys) {
    return
  }
  const { api_key: apiKey } = keys
  window.addEventListener('beforeunload', keepOpen)
  const done =
    valueOf(await confirmSetup(effects, codeInput.value.trim(), apiKey)) &&
    valueOf(await giveAuthority(effects, apiKey))
  window.removeEventListener('beforeunload', keepOpen)
  if (done === undefined) {
    return
  }
  const { doctor, toSecrets } = nextCommands(keys)
  say('doctor', doctor)
  say('to-secrets', toSecrets)
  const enrolment = await readEnrolmentLink(effects, apiKey)
  if (enrolment !== undefined) {
    say('enrol', 'Enrol a device with the link')
    say('enrol-link', enrolment)
    part('enrol-link', HTMLAnchorElement).href = enrolment
  }
  show('next-step')
}

async function begin(): Promise<void> {
  const state = await readSetupState(effects)
  say('working', '')
  if (state.ok && state.value.claimed) {
    say('fault', CLAIMED)
    return
  }
  if (state.ok) {
    say('hint', hintOf(state.value.code))
  } else {
    say('fault', sentenceOf(state.fault))
  }
  show('code-step')
  codeInput.focus()
}

if (window.isSecureContext) {
  onSubmit('code-step', 'Asking the server…', askKeys)
  onSubmit('keys-step', 'Setting up the server and its certificate authority…', finishClaim)
  void begin()
} else {
  say('working', '')
  say('fault', INSECURE)
}
