import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PORT } from './answer.js';

/**
 * WeChat as far as the gateway is measured: a token that lives, and the same small answer to every other call. The
 * simulator looks into each call, and would be what limits the figure.
 */
const token = JSON.stringify({ access_token: `84_${'x'.repeat(133)}`, expires_in: 7_200 });
const answer = JSON.stringify({ errcode: 0, errmsg: 'ok', subscribe: 1, openid: 'o'.repeat(28) });

const server = createServer((request, response) => {
  const body = request.url === '/cgi-bin/stable_token' ? token : answer;
  request.resume();
  response
    .writeHead(200, {
      'content-type': 'application/json; encoding=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
});
// Longer than any pause of the benchmark.
server.keepAliveTimeout = 120_000;
server.listen(PORT, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
});
