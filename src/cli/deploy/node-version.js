/** Before `npm run deploy`: plain JavaScript, because an old Node is to read it. */
if (!process.features.typescript) {
  console.error(
    'deploy: this Node is too old. Run npm ci, which brings the Node of this project, and try again',
  )
  process.exit(2)
}
