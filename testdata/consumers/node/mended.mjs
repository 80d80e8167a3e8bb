// A consumer in Node with a Map: it keys on callId, and nothing comes between
// the look and the insert.
import { createServer } from 'node:http'

const records = new Map() // callId to body

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
    return response.writeHead(400).end('not a call event') // or it broke off
  }
  if (!records.has(event.callId)) {
    records.set(event.callId, event) // in the same turn of the event loop
    queueMicrotask(() => { /* work on it here, after the record is there */ })
  }
  response.writeHead(204).end()
}

const server = createServer((request, response) => {
  const probe = /^\/calls\/([^/]+)\/count$/.exec(request.url)
  if (probe) {
    response.end(records.has(decodeURIComponent(probe[1])) ? '1' : '0')
  } else if (request.method !== 'POST') {
    response.writeHead(405).end()
  } else {
    webhook(request, response)
  }
})
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', 1024, () => {
  console.log(`http://127.0.0.1:${server.address().port}/webhook`)
})
