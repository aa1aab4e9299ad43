/** `npm run dev`: the Worker is built and started anew when its source changes. Its state stays. */
import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../error.ts'

/** An editor saves a file in several steps. */
const QUIET = 100

export interface Reloadable {
  /** Resolves to whether there was anything new; rejects when the source cannot be built. */
  reload(): Promise<boolean>
}

/** Reloads once for all changes that come during a reload. Returns what a change has to call. */
export function reloader(worker: Reloadable, say: (text: string) => void): () => Promise<void> {
  let changed = false
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    while (changed) {
      changed = false
      try {
        if (await worker.reload()) {
          say('reloaded')
        }
      } catch (error) {
        say(`not reloaded: ${messageOf(error)}`)
      }
    }
    running = undefined
  }
  return () => {
    changed = true
    return (running ??= run())
  }
}

/**
 * Calls `changed` when files below a directory have changed and are quiet again. Returns the way to end it.
 * Each directory is watched by itself: on Linux a recursive watch loses a file that an editor replaces.
 */
export function watchTree(root: string, changed: () => void): () => void {
  let watchers: readonly FSWatcher[] = []
  let timer: NodeJS.Timeout | undefined
  const end = (): void => {
    clearTimeout(timer)
    watchers.forEach((watcher) => {
      watcher.close()
    })
  }
  const begin = (): void => {
    watchers = directoriesIn(root).map((directory) =>
      watch(directory, () => {
        clearTimeout(timer)
        timer = setTimeout(again, QUIET)
      }),
    )
  }
  const again = (): void => {
    end()
    begin()
    changed()
  }
  begin()
  return end
}

function directoriesIn(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true })
  const below = entries.filter((entry) => entry.isDirectory())
  return [root, ...below.map(({ parentPath, name }) => join(parentPath, name))]
}
