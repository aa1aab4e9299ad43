import type { Context } from '../store/context.ts'
import { recalledChannel } from '../store/channels.ts'
import { channelOf, saveChannel } from '../store/state.ts'

/** Which declarations a channel was last told of: the only ones whose 404 would be an error of ours. */
export function listedDeclarations(context: Context, user: string): readonly string[] {
  return recalledChannel(context, user)?.declarations ?? []
}

export function keepDeclarations(
  context: Context,
  user: string,
  identifiers: readonly string[],
): void {
  const channel = channelOf(context, user)
  if (channel.declarations.join('\n') !== identifiers.join('\n')) {
    channel.declarations = [...identifiers]
    saveChannel(context.db, channel)
  }
}
