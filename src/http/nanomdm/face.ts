import { newApp } from '../app-env.ts'
import { nanomdmAuth } from '../access/gate.ts'
import { errorResponse } from '../errors.ts'
import { MIGRATION } from '../paths.ts'
import { takeMessage } from './migration.ts'

/** NanoMDM's HTTP API, as far as it is here. Errors are plain text, as NanoMDM's. */
export const nanomdmFace = newApp()

nanomdmFace.use(MIGRATION, nanomdmAuth)
nanomdmFace.put(MIGRATION, takeMessage)
nanomdmFace.all(MIGRATION, ({ req }) =>
  errorResponse(MIGRATION, 'method_not_allowed', `${MIGRATION} has no ${req.method}; it has PUT`, {
    allow: 'PUT',
  }),
)
