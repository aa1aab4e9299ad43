export { default as Composer } from '../composer/screen.tsx'
export { default as ComposerForMany } from '../composer/many.tsx'
