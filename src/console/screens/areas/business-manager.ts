export { default as Accounts } from '../enrolment/business-manager/screen.tsx'
export { default as Account } from '../enrolment/business-manager/account.tsx'
