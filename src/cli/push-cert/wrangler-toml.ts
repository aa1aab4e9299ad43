/**
 * Edits the two places of wrangler.toml that a push certificate changes, as text: wrangler's own patcher
 * refuses TOML with comments, and the comments are the admin's. The committed file opens no table, so both
 * are lines at the top. Tables that the admin has opened are edited in place.
 */
import { CliError } from '../error.ts'

export interface BoundPushCertificate {
  /** The id that `wrangler mtls-certificate upload` printed. */
  certificateId: string
  /** PEM. */
  certificate: string
}

const MTLS = '[[mtls_certificates]]'
const VARS = '[vars]'
const BINDING = /^[ \t]*binding[ \t]*=[ \t]*["']APNS["']/m
const CERTIFICATE_ID = /^[ \t]*certificate_id[ \t]*=[ \t]*["']([^"'\n]*)["'].*$/m
const MTLS_LINE =
  /^mtls_certificates[ \t]*=[ \t]*\[\{ binding = "APNS", certificate_id = "([^"\n]*)" \}\].*$/m
const VAR = /^[ \t]*(?:vars\.)?PUSH_CERTIFICATE[ \t]*=[ \t]*("(?:[^"\\\n]|\\.)*")[ \t]*(?:#.*)?$/m
const ANY_VAR = /^[ \t]*(?:vars\.)?PUSH_CERTIFICATE[ \t]*=/m

/** The present values of the file; each may be missing. */
export function readPushCertificateIn(toml: string): Partial<BoundPushCertificate> {
  const sections = sectionsOf(toml)
  const [top = ''] = sections
  const bound = MTLS_LINE.exec(top) ?? CERTIFICATE_ID.exec(sections.find(isBinding) ?? '')
  const vars = sections.find(isVars) ?? top
  const text = VAR.exec(vars)?.[1]
  if (text === undefined && ANY_VAR.test(vars)) {
    throw new CliError('write PUSH_CERTIFICATE in wrangler.toml on one line, in double quotes')
  }
  return {
    ...(bound?.[1] === undefined ? {} : { certificateId: bound[1] }),
    // The basic strings that we write are the same in TOML and JSON.
    ...(text === undefined ? {} : { certificate: String(JSON.parse(text)) }),
  }
}

/** The file with a push certificate. @throws CliError where its form cannot be edited */
export function withPushCertificate(toml: string, bound: BoundPushCertificate): string {
  const id = JSON.stringify(bound.certificateId)
  const variable = `PUSH_CERTIFICATE = ${JSON.stringify(bound.certificate)}`
  const sections = sectionsOf(toml)
  const withVar = sections.some(isVars)
    ? inTable(sections, isVars, VARS, VAR, variable)
    : atTop(sections, /^[ \t]*vars[ \t]*=/m, VAR, `vars.${variable}`)
  const withBoth = withVar.some(isMtls)
    ? inTable(
        withVar,
        isBinding,
        `${MTLS}\nbinding = "APNS"`,
        CERTIFICATE_ID,
        `certificate_id = ${id}`,
      )
    : atTop(
        withVar,
        /^[ \t]*mtls_certificates[ \t]*=/m,
        MTLS_LINE,
        `mtls_certificates = [{ binding = "APNS", certificate_id = ${id} }]`,
      )
  return withBoth.join('')
}

/**
 * Replaces a line of the keys at the top, or adds it after them. `other` is a form that excludes such a line.
 */
function atTop(
  [top = '', ...tables]: readonly string[],
  other: RegExp,
  line: RegExp,
  text: string,
): string[] {
  if (line.test(top)) {
    return [top.replace(line, () => text), ...tables]
  }
  const key = other.exec(top)?.[0].trim()
  if (key !== undefined) {
    throw new CliError(
      `remove the line \`${key} …\` from wrangler.toml, ` +
        'and write its content as tables: [vars], [[mtls_certificates]]',
    )
  }
  const before = top.trimEnd()
  const gap = tables.length > 0 ? '\n' : ''
  return [`${before}${before === '' ? '' : '\n'}${text}\n${gap}`, ...tables]
}

/** Replaces a line of one table, or adds it below the table's head. Adds the table where there is none. */
function inTable(
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

/** The text, cut before each line that opens a table. The first part precedes all tables. */
function sectionsOf(toml: string): string[] {
  const sections = toml.split(/^(?=\[)/m)
  return sections[0]?.startsWith('[') === true ? ['', ...sections] : sections
}

function isVars(section: string): boolean {
  return section.startsWith(VARS)
}

function isMtls(section: string): boolean {
  return section.startsWith(MTLS)
}

function isBinding(section: string): boolean {
  return isMtls(section) && BINDING.test(section)
}
