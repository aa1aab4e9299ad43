import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

// The shell has the same pages without the windows around them: a visit costs a quarter of the time.
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
]
const OF_MACOS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
]

/** The browser that tests drive: the one of `CHROMIUM`, or one that is installed. */
export function findChromium(): string | undefined {
  const chosen = process.env['CHROMIUM']
  if (chosen !== undefined && chosen !== '') {
    return chosen
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)
  return [
    ...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))),
    ...OF_MACOS,
  ].find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
