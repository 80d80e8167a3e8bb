// A consumer in Node with a Map, and a fault: between the look and the insert
// it waits for something else, and copies of a call look meanwhile.
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const records = new Map() // callId to how many

function readEvent(body) {
  const event = JSON.parse(body)
  const right = typeof event?.callId === 'string' && event.callId !== '' &&
    typeof event.callResult?.resultType === 'string'
  if (!right) throw new SyntaxError('not a call event')
  return event
}

async function webhook(request, response) {
  const chunks = []
  let event
  try {
    for await (const chunk of request) chunks.push(chunk)
    event = readEvent(Buffer.concat(chunks).toString())
  } catch {
    return response.writeHead(400).end('not a call event')
  }
  if (!records.has(event.callId)) {
    await sleep(1) // looks up the contact
    records.set(event.callId, (records.get(event.callId) ?? 0) + 1)
  }
  response.writeHead(204).end()
}

const server = createServer((request, response) => {
  const probe = /^\/calls\/([^/]+)\/count$/.exec(request.url)
  if (probe) {
    response.end(String(records.get(decodeURIComponent(probe[1])) ?? 0))
  } else if (request.method !== 'POST') {
    response.writeHead(405).end()
  } else {
    webhook(request, response)
  }
})
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', 1024, () => {
  console.log(`http://127.0.0.1:${server.address().port}/webhook`)
})
