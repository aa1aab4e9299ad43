/** What somebody writes who has only the generated client: it lists, queues and waits, and follows a job. */
import * as client from './client.ts'

client.defaults.baseUrl = process.env['URL'] ?? ''
client.defaults.headers = {
  authorization: `Bearer ${process.env['API_KEY'] ?? ''}`,
}

const list = await client.listDevices({ state: ['enrolled'], platform: ['macOS'], limit: 1 })
if (list.status !== 200) {
  throw new Error(list.data.detail)
}
const [device] = list.data.items
if (device === undefined) {
  throw new Error('no device')
}

const answered = await client.queueCommand(
  device.id,
  { request_type: 'DeviceInformation', queries: ['OSVersion'] },
  { wait: 30 },
)
if (answered.status !== 200) {
  throw new Error(`status ${answered.status}`)
}

const queued = await client.queueCommands({
  ids: [device.id],
  command: { request_type: 'ProfileList' },
  pace: 600,
})
if (queued.status !== 200 && queued.status !== 202) {
  throw new Error(`status ${queued.status}`)
}
let job = await client.getJob(queued.data.id)
while (job.status === 200 && job.data.state === 'running') {
  await new Promise((resolve) => setTimeout(resolve, 100))
  job = await client.getJob(queued.data.id)
}
const outcomes = await client.listOutcomes(queued.data.id)

console.log(
  JSON.stringify({ device, answered: answered.data, job: job.data, outcomes: outcomes.data }),
)
