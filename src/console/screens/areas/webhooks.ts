export { default as Webhooks } from '../webhooks/screen.tsx'
export { default as Webhook } from '../webhooks/webhook.tsx'
