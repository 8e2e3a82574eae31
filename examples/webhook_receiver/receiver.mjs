// Receive webhooks of backend-livekit with Node.js and no dependencies.
// TypeScript checks its types (`make console-test`), and Node.js 20 runs it as it is.
//
// WEBHOOK_SECRET=whsec_… node receiver.mjs
// @ts-check

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const SECRET = Buffer.from((process.env.WEBHOOK_SECRET ?? '').replace(/^whsec_/, ''), 'base64');
if (SECRET.length === 0) { // or everybody could sign
  console.error("Set WEBHOOK_SECRET to the webhook's secret: whsec_…");
  process.exit(1);
}
const TOLERANCE_SECONDS = 5 * 60;
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** @typedef {{ id: string, type: string, sessionId: string | null, data: unknown }} DomainEvent */

/** @type {Set<string>} */
const handled = new Set(); // in production: a unique column in your database

/**
 * Verify a request by Standard Webhooks (https://www.standardwebhooks.com).
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @param {Buffer} body
 */
function isGenuine(headers, body) {
  const timestamp = String(headers['webhook-timestamp']);
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(age <= TOLERANCE_SECONDS)) return false;
  const digest = createHmac('sha256', SECRET)
    .update(`${headers['webhook-id']}.${timestamp}.`)
    .update(body)
    .digest('base64');
  const expected = Buffer.from(`v1,${digest}`);
  // There are two signatures while a secret replaces another.
  return String(headers['webhook-signature'])
    .split(' ')
    .map((signature) => Buffer.from(signature))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}

/**
 * Do what your system does. Return quickly: put slow work into a queue.
 * @param {DomainEvent} event
 */
function handle(event) {
  console.log(event.type, event.sessionId, JSON.stringify(event.data));
}

/** @param {import('node:http').IncomingMessage} request */
async function bodyOf(request) {
  /** @type {Buffer[]} */
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Error('The body is too large.');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

// It answers 204 once an event is handled; with anything else it is sent again.
const server = createServer(async (request, response) => {
  try {
    const body = await bodyOf(request);
    if (!isGenuine(request.headers, body)) {
      response.writeHead(401).end();
      return;
    }
    const id = String(request.headers['webhook-id']);
    if (!handled.has(id)) { // an event may come twice
      handle(JSON.parse(body.toString('utf8')));
      handled.add(id);
    }
    response.writeHead(204).end();
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
});

server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`Listening on http://127.0.0.1:${address.port}`);
});
