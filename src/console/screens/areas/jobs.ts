export { default as Jobs } from '../jobs/screen.tsx'
export { default as Job } from '../jobs/job.tsx'
