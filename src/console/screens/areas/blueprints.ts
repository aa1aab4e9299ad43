export { default as Blueprints } from '../enrolment/blueprints/screen.tsx'
export { default as Blueprint } from '../enrolment/blueprints/blueprint.tsx'
