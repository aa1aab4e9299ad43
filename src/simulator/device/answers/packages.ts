/** Downloads packages as a device does after it has acknowledged their commands. */
import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { asDict, dictAt, dictsIn, stringAt, textAt } from '../../../plist/dict.ts'
import { readPlist } from '../../../plist/read.ts'
import type { PlistDict } from '../../../plist/value.ts'
import { isDelivered, type ServerAnswer } from '../wire.ts'
import type { InstalledItems, PackageDownload } from './installed.ts'

type Get = (url: string) => Promise<ServerAnswer>

/** Installs what is waiting, or notes why it cannot. */
export async function installDownloads(installed: InstalledItems, get: Get): Promise<void> {
  for (const download of installed.downloads.splice(0)) {
    try {
      const { identifier, name } = await downloadPackage(download, get)
      installed.applications.set(identifier, { name, managed: true })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      installed.failures.push(`${download.url ?? 'a manifest'}: ${reason}`)
    }
  }
}

/** The app in the package. @throws Error when it cannot be had, or is not what the manifest says */
async function downloadPackage(
  download: PackageDownload,
  get: Get,
): Promise<{ readonly identifier: string; readonly name: string }> {
  const manifest =
    download.manifest ?? asDict(readPlist(await bodyAt(download.url ?? '', get, 'manifest')))
  const [item = {}] = dictsIn(manifest['items'])
  const asset = dictsIn(item['assets']).find((each) => each['kind'] === 'software-package')
  const url = asset && stringAt(asset, 'url')
  if (asset === undefined || url === undefined) {
    throw new Error('the manifest names no software-package')
  }
  requireDigests(await bodyAt(url, get, 'package'), asset)
  const metadata = dictAt(item, 'metadata') ?? {}
  const file = /([^/]*?)(\.\w+)?$/.exec(new URL(url).pathname)?.[1] ?? ''
  const identifier = textAt(metadata, 'bundle-identifier') || `com.example.package.${file}`
  return { identifier, name: textAt(metadata, 'title') || file }
}

async function bodyAt(url: string, get: Get, what: string): Promise<Uint8Array> {
  const answer = await get(url)
  if (!isDelivered(answer)) {
    throw new Error(`the ${what} at ${url} answers HTTP ${answer.status}`)
  }
  return answer.body
}

/** Checks the digests of the chunks of a package (Apple: "ManifestURL.ItemsItem.AssetsItem"). */
function requireDigests(bytes: Uint8Array, asset: PlistDict): void {
  for (const digest of ['sha256', 'md5']) {
    const size = Number(asset[`${digest}-size`] ?? 0)
    const expected = asset[`${digest}s`]
    if (Array.isArray(expected) && size > 0) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        Buffer.from(bytes.subarray(at * size, (at + 1) * size)),
      )
      const found = chunks.map((chunk) => hash(digest, chunk))
      if (found.join() !== expected.map((each) => String(each).toLowerCase()).join()) {
        throw new Error(`the package has another ${digest} than its manifest says`)
      }
    }
  }
}
