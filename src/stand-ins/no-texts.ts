/** For zod’s `locales/en.js`: the texts of faults are those of `src/http/api/faults.ts`. */
export default (): object => ({})
