import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { PORT } from './answer.js';

/** A proxy of a few lines over undici, which looks at nothing and adds a token: what the gateway could be at best. */
const upstream = process.env.BENCH_UPSTREAM ?? '';
const agent = new Agent({ connections: 256 });

const server = createServer((request, response) => {
  const { method = 'GET', url = '/' } = request;
  agent
    .request({
      origin: upstream,
      path: `${url}&access_token=${'x'.repeat(136)}`,
      method,
      body: method === 'GET' ? null : request,
    })
    .then(({ statusCode, headers, body }) => {
      response.writeHead(statusCode, {
        'content-type': String(headers['content-type']),
        'content-length': String(headers['content-length']),
      });
      body.pipe(response);
    })
    .catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
});
server.listen(PORT, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
});
