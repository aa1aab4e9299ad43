/** For drizzle’s `pg-core/columns/enum.js`: each part of a statement is asked whether it is such an enum. */
export const isPgEnum = (): boolean => false
