export { default as Updates } from '../configuration/updates/screen.tsx'
export { default as Update } from '../configuration/updates/update.tsx'
