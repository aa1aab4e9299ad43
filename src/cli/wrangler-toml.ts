/**
 * The two places of wrangler.toml that a push certificate changes, edited as text: wrangler's own patcher refuses TOML with
 * comments, and the comments are the administrator's.
 */
import { CliError } from './error.ts'

export interface BoundPushCertificate {
  /** What `wrangler mtls-certificate upload` printed. */
  certificateId: string
  /** PEM. */
  certificate: string
}

const MTLS = '[[mtls_certificates]]'
const VARS = '[vars]'
const BINDING = /^[ \t]*binding[ \t]*=[ \t]*["']APNS["']/m
const CERTIFICATE_ID = /^[ \t]*certificate_id[ \t]*=[ \t]*["']([^"'\n]*)["'].*$/m
const VAR = /^[ \t]*PUSH_CERTIFICATE[ \t]*=[ \t]*("(?:[^"\\\n]|\\.)*")[ \t]*(?:#.*)?$/m
const ANY_VAR = /^[ \t]*PUSH_CERTIFICATE[ \t]*=/m

/** What the file says now; each part may be missing. */
export function readPushCertificateIn(toml: string): Partial<BoundPushCertificate> {
  const sections = sectionsOf(toml)
  const certificateId = CERTIFICATE_ID.exec(sections.find(isBinding) ?? '')?.[1]
  const vars = sections.find((section) => begins(section, VARS)) ?? ''
  const text = VAR.exec(vars)?.[1]
  if (text === undefined && ANY_VAR.test(vars)) {
    throw new CliError('write PUSH_CERTIFICATE in wrangler.toml on one line, in double quotes')
  }
  return {
    ...(certificateId === undefined ? {} : { certificateId }),
    // A basic string of TOML, as far as we write one, is a string of JSON.
    ...(text === undefined ? {} : { certificate: String(JSON.parse(text)) }),
  }
}

export function withPushCertificate(toml: string, bound: BoundPushCertificate): string {
  const { certificateId, certificate } = bound
  const withVar = edit(
    sectionsOf(toml),
    (section) => begins(section, VARS),
    VARS,
    VAR,
    `PUSH_CERTIFICATE = ${JSON.stringify(certificate)}`,
  )
  return edit(
    withVar,
    isBinding,
    `${MTLS}\nbinding = "APNS"`,
    CERTIFICATE_ID,
    `certificate_id = ${JSON.stringify(certificateId)}`,
  ).join('')
}

/** Replaces a line of one section, or adds it below the section's head; adds the section where there is none. */
function edit(
  sections: readonly string[],
  isIt: (section: string) => boolean,
  head: string,
  line: RegExp,
  text: string,
): string[] {
  const index = sections.findIndex(isIt)
  const section = sections[index]
  if (section === undefined) {
    const last = sections.at(-1) ?? ''
    const gap = last === '' || last.endsWith('\n\n') ? '' : last.endsWith('\n') ? '\n' : '\n\n'
    return [...sections, `${gap}${head}\n${text}\n`]
  }
  const edited = line.test(section)
    ? section.replace(line, () => text)
    : section.replace(/\n|$/, () => `\n${text}\n`)
  return sections.with(index, edited)
}

/** The text cut before each line that begins a table. */
function sectionsOf(toml: string): string[] {
  return toml.split(/^(?=\[)/m)
}

function begins(section: string, head: string): boolean {
  return section.startsWith(head)
}

function isBinding(section: string): boolean {
  return begins(section, MTLS) && BINDING.test(section)
}
