import type { ChannelStates } from '../../ddm/states.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import { answerEndpoint, type DeclarationAnswer } from './endpoint.ts'
import { resendDeclarations } from './resend.ts'
import { keptReports, type KeptReport } from './status-rows.ts'
import { viewDeclarations, type DeclarationsView } from './view.ts'

/** What an admin asks about the declarations of a channel, or does with them. */
export type DeclarationRequest =
  | { readonly kind: 'view' }
  /** What the device would get for this `Endpoint`. */
  | { readonly kind: 'endpoint'; readonly endpoint: string }
  /** A kept report as it came; 0 is the newest. */
  | { readonly kind: 'report'; readonly index: number }
  /** The device fetches these again, or all. `uuid` names the command. */
  | {
      readonly kind: 'resend'
      readonly identifiers?: readonly string[] | undefined
      readonly uuid: string
    }
  /** The directory did not take the states: the next message of the device brings an offer, and they. */
  | { readonly kind: 'unstored' }

export type DeclarationReply =
  | { readonly kind: 'view'; readonly view: DeclarationsView }
  | { readonly kind: 'endpoint'; readonly answer: DeclarationAnswer }
  | { readonly kind: 'report'; readonly report: KeptReport | undefined }
  | { readonly kind: 'unstored' }
  | {
      readonly kind: 'resend'
      readonly count: number
      readonly channel?: ChannelStates | undefined
    }

export function answerRequest(
  context: Context,
  channel: Channel,
  request: DeclarationRequest,
): DeclarationReply {
  switch (request.kind) {
    case 'view':
      return { kind: 'view', view: viewDeclarations(context, channel) }
    case 'endpoint':
      return {
        kind: 'endpoint',
        answer: answerEndpoint(context, channel, request.endpoint, false),
      }
    case 'report':
      return { kind: 'report', report: keptReports(context, channel)[request.index] }
    case 'resend':
      return { kind: 'resend', ...resendDeclarations(context, channel, request) }
    case 'unstored':
      context.state.device.offeredEpoch = undefined
      saveDevice(context)
      return request
  }
}
