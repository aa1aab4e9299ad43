import { clock } from '../../clock.ts'
import { newChallenge } from '../../directory/challenges.ts'
import { newApp } from '../app-env.ts'
import { goJson } from './request.ts'

export const v1Challenge = newApp()

/** A SCEP challenge for one use, without an end, in every mode (docs/micromdm.md). */
v1Challenge.post('/v1/challenge', async (c) =>
  goJson({ string: await newChallenge(c.env.DB, clock.now()) }),
)
