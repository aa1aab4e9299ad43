import { Refused, fieldOf, fieldsOf, textOf, type Routes } from './route.ts'

/** What an upload of a script shows when the account has all of its assets. */
const COMPLETE = 'the assets are complete'
const SESSION = 'assets are missing'

/** Files that a Worker serves go to the account first, by their hashes, and only those that it lacks. */
export const ASSET_ROUTES: Routes = [
  [
    'POST',
    '/workers/scripts/:script/assets-upload-session',
    ({ account, body }) => {
      const hashes = Object.values(fieldsOf(fieldOf(body, 'manifest'))).map((file) =>
        textOf(file, 'hash'),
      )
      const missing = hashes.filter((hash) => !account.assets.has(hash))
      return missing.length > 0
        ? { jwt: SESSION, buckets: [missing] }
        : { jwt: COMPLETE, buckets: [] }
    },
  ],
  [
    'POST',
    '/workers/assets/upload',
    ({ account, files }) => {
      files.forEach((hash) => account.assets.add(hash))
      return { jwt: COMPLETE }
    },
  ],
]

/** @throws Refused for a script whose assets the account does not have */
export function checkAssets(body: unknown): void {
  const assets = fieldOf(body, 'assets')
  if (assets !== undefined && textOf(assets, 'jwt') !== COMPLETE) {
    throw new Refused(400, 10021, 'The token of the assets is not that of a complete upload')
  }
}
