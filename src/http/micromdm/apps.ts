import { objectField, stringsField } from '../../commands/go-fields.ts'
import { storeAppForm } from '../../repo/app-form.ts'
import { appsNamed, listApps } from '../../repo/apps.ts'
import { bucketOf } from '../../repo/bucket.ts'
import { chunksOf } from '../../repo/chunks.ts'
import { boundaryOf } from '../../repo/form.ts'
import { newApp } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { goJson, readObject } from './request.ts'

/** `/v1/apps` (docs/apps-and-files.md). Its upload has no limit of 20 MB: it is stored while it arrives. */
export const v1Apps = newApp()

const MOST_NAMES = 900

v1Apps.put('/v1/apps', async (c) => {
  const bucket = bucketOf(c.env)
  const boundary = boundaryOf(c.req.header('content-type') ?? '')
  if (boundary === undefined || !c.req.raw.body) {
    throw new RequestError("request Content-Type isn't multipart/form-data")
  }
  await storeAppForm(bucket, chunksOf(c.req.raw.body), boundary)
  return goJson({})
})

/** mdmctl sends its filter flat, and an empty name for all. */
v1Apps.post('/v1/apps', async (c) => {
  const bucket = bucketOf(c.env)
  const sent = await readObject(c)
  const options = objectField(sent, 'Opts', 'appListRequest') ?? sent
  const names = (stringsField(options, 'filter_name', 'ListAppsOption') ?? []).filter(Boolean)
  if (names.length > MOST_NAMES) {
    throw new RequestError(`filter_name has more than ${MOST_NAMES} names`)
  }
  const apps = names.length === 0 ? await listApps(bucket) : await appsNamed(bucket, names)
  const missing = names.find((name) => !apps.some((app) => app.name === name))
  if (missing !== undefined) {
    throw new RequestError(`not found: App ${missing}`)
  }
  return goJson(
    apps.length === 0
      ? {}
      : { apps: apps.map(({ name, manifest }) => ({ name, payload: Buffer.from(manifest) })) },
  )
})
