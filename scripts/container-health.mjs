// HEALTHCHECK of the image: exits 0 when the event loop of the service answers. Not /readyz: a container that is
// unready, such as one that waits for its database, is not to be restarted for it.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

const { PORT = '3000', TLS_CERT_FILE = '' } = process.env;
const request = TLS_CERT_FILE === '' ? requestHttp : requestHttps;
const LIMIT_MS = 4_000;

// On this machine: whose certificate it is says nothing.
request({
  host: '127.0.0.1',
  port: PORT,
  path: '/healthz',
  rejectUnauthorized: false,
  signal: AbortSignal.timeout(LIMIT_MS),
})
  .on('response', ({ statusCode }) => {
    process.exit(statusCode === 200 ? 0 : 1);
  })
  .on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  })
  .end();
