export { default as Profiles } from '../configuration/profiles/screen.tsx'
export { default as Profile } from '../configuration/profiles/profile.tsx'
