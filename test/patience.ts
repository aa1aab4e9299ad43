/** The longest wait for a condition, in milliseconds. A very slow machine keeps within it. */
export const PATIENCE = 240_000
