/**
 * For zod’s `memoizer.js`, which finds values that hold themselves: JSON has none. As in `zod/mini`, there is
 * no memoizer. The other two names are for `z.compile`, which the Worker does not use.
 */
export const memoizer = (): undefined => undefined
export const isBackEdge = (): boolean => false
export const isRecursiveSchema = (): boolean => false
