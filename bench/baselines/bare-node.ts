import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clientOf, PORT, tokenOf } from './answer.js';

/** node:http and nothing else: what no framework can be faster than. */
const PATH = /^\/v1\/accounts\/([^/?]+)\/access-token(?:\?|$)/;

const server = createServer((request, response) => {
  const appId = PATH.exec(request.url ?? '')?.[1];
  if (clientOf(request.headers.authorization) === undefined) {
    response.writeHead(401).end();
    return;
  }
  const body = appId === undefined ? undefined : tokenOf(appId);
  if (body === undefined) {
    response.writeHead(404).end();
    return;
  }
  const text = JSON.stringify(body);
  response
    .writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
});
server.listen(PORT, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
});
