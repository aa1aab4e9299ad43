export { default as Declarations } from '../configuration/declarations/screen.tsx'
export { default as Declaration } from '../configuration/declarations/one/declaration.tsx'
export { default as Sets } from '../configuration/sets/screen.tsx'
export { default as Set } from '../configuration/sets/set.tsx'
