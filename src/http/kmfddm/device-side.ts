import { bodyOf } from '../../ddm/manifest/body.ts'
import { declarationsToken, itemsJson, tokensJson } from '../../ddm/manifest/tokens.ts'
import type { DeclarationAnswer } from '../../device/declarations/endpoint.ts'
import { declarationContent } from '../../directory/declarations/read.ts'
import type { AppContext } from '../app-env.ts'
import { atDevice } from '../at-device.ts'
import { jsonAnswer, plainAnswer } from './answer.ts'
import { tabbed } from './json-text.ts'

const NONE = declarationsToken([])

export function getTokens(c: AppContext): Promise<Response> {
  return answered(c, 'tokens', tokensJson(NONE, 0))
}

export function getItems(c: AppContext): Promise<Response> {
  return answered(c, 'declaration-items', itemsJson(NONE, []))
}

export function getOffered(c: AppContext): Promise<Response> {
  return answered(c, `declaration/${c.req.param('kind')}/${c.req.param('id')}`)
}

/** Only the device itself knows its status, and sends it signed. */
export function refuseStatus(): Response {
  return plainAnswer(409, 'devices report their status to this server themselves: nothing else can')
}

/**
 * Answers as the device would be answered. It does not count as a request of the device.
 * @param unknown the answer for an enrolment that is not known
 */
async function answered(c: AppContext, endpoint: string, unknown?: string): Promise<Response> {
  const id = c.req.header('x-enrollment-id') ?? ''
  if (id === '') {
    return plainAnswer(400, 'Bad Request')
  }
  const reply = await atDevice(c.env, id, (device, address) =>
    device.declarations(address, { kind: 'endpoint', endpoint }),
  )
  const text = reply.kind === 'endpoint' ? await textOf(c, reply.answer) : unknown
  return text === undefined ? plainAnswer(404, 'Not Found') : jsonAnswer(text)
}

async function textOf(c: AppContext, answer: DeclarationAnswer): Promise<string | undefined> {
  if (answer.kind === 'json') {
    return answer.text
  }
  if (answer.kind !== 'body') {
    return undefined
  }
  const content = await declarationContent(c.env.DB, answer.identifier, answer.content)
  return content && tabbed(bodyOf(content, answer))
}
