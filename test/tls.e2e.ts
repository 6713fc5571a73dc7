import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import {
  APP_ID,
  APP_SECRET,
  CLIENT_KEY,
  environmentFor,
  type TokenBody,
} from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/** Made for these tests, and for 127.0.0.1 and localhost alone. */
const CERT_FILE = resolve('test/support/localhost.cert.pem');
const KEY_FILE = resolve('test/support/localhost.key.pem');

let wechat: Simulator;

beforeEach(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
});
afterEach(async () => {
  await killProcesses();
  await wechat.close();
});

describe('with TLS_CERT_FILE and TLS_KEY_FILE', () => {
  let service: ServiceProcess;

  beforeEach(async () => {
    const tls = { TLS_CERT_FILE: CERT_FILE, TLS_KEY_FILE: KEY_FILE };
    service = await startProcess(environmentFor(wechat, tls)).listening();
  });

  async function read(agent: Agent): Promise<{ status: number | undefined; body: TokenBody }> {
    const path = `/v1/accounts/${APP_ID}/access-token`;
    const headers = { authorization: `Bearer ${CLIENT_KEY}` };
    const sent = request(`${service.url}${path}`, { agent, headers }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode, body: JSON.parse(await text(answer)) as TokenBody };
  }

  it('speaks HTTPS with that certificate, says so at the start, and ends as ever', async () => {
    expect(service.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const trusting = new Agent({ ca: readFileSync(CERT_FILE) });
    const { status, body } = await read(trusting);
    const token = await wechat.newestToken(APP_ID, 'stable');
    expect([status, body.access_token]).toEqual([200, token?.accessToken]);
    trusting.destroy();
    expect(await service.stop()).toMatchObject({ code: 0 });
  });

  it('is not believed by those who do not know the certificate, and speaks no plain HTTP', async () => {
    await expect(read(new Agent())).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await expect(fetch(service.url.replace('https:', 'http:'))).rejects.toThrow('fetch failed');
  });
});

describe('with files that are no pair', () => {
  it.each([
    ['a certificate in the place of the key', CERT_FILE, CERT_FILE],
    ['what is no PEM', resolve('package.json'), KEY_FILE],
  ])('(%s) it does not start, and names the variables', async (_what, cert, key) => {
    const tls = { TLS_CERT_FILE: cert, TLS_KEY_FILE: key };
    const { code, output } = await startProcess(environmentFor(wechat, tls)).exited;
    expect(code).toBe(1);
    expect(output).toContain('TLS_CERT_FILE: not a certificate');
    expect(output).not.toContain('    at ');
  });
});
