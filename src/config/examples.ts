/**
 * Values of our pages and of other servers' pages, in small letters. A test collects ours: from the README,
 * docs/ and .dev.vars.example. A deployment that keeps one of them is open to each reader.
 */
const EXAMPLES = new Set([
  'key',
  'api_key',
  'changeme',
  'change-me',
  'secret',
  'mysecret',
  'my-secret',
  'mysecretapikey',
  'supersecret',
  'password',
  'micromdm',
  'nanomdm',
  'nanohub',
  'edgemdm',
  'setup_code',
  'your-setup-code',
])

const MIN_LENGTH = 20
const MIN_DISTINCT = 10

/** Whether a key or a code is an example of some page. */
export function isExample(text: string): boolean {
  return EXAMPLES.has(text.toLowerCase())
}

/** @returns why a setup code is no secret; `undefined` for one that may be */
export function weaknessOf(code: string): string | undefined {
  if (isExample(code)) {
    return 'is an example of the documentation'
  }
  if (code.length < MIN_LENGTH) {
    return `has fewer than ${MIN_LENGTH} characters`
  }
  if (new Set(code).size < MIN_DISTINCT) {
    return `has fewer than ${MIN_DISTINCT} different characters`
  }
  // A text that consists of a part again and again is found in its double before its end.
  return (code + code).indexOf(code, 1) < code.length ? 'repeats a shorter text' : undefined
}
