/** How long a test waits for what must happen, on a machine however slow. Milliseconds. */
export const PATIENCE = 240_000
