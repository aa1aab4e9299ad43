import type { Context } from '../store/context.ts'
import { saveChannel } from '../store/rows/save.ts'
import { channelOf, recalledChannel } from '../store/channels.ts'

/** The declarations in the last list that the channel got. A 404 for any other declaration is expected. */
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
    saveChannel(context, channel)
  }
}
