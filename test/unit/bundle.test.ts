import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')
const BUDGET = 250_000

it('what is deployed stays under 250 KB of gzip', () => {
  const directory = mkdtempSync(join(tmpdir(), 'edgemdm-bundle-'))
  try {
    execFileSync(
      process.execPath,
      ['node_modules/wrangler/bin/wrangler.js', 'deploy', '--dry-run', '--outdir', directory],
      { cwd: PROJECT, stdio: 'pipe', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
    )
    expect(gzipSync(readFileSync(join(directory, 'index.js'))).length).toBeLessThan(BUDGET)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
