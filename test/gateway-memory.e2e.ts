import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { CLIENTS, type ClientBody } from './support/clients.js';
import { killProcesses, startProcess, type ServiceProcess } from './support/process.js';
import { ADMIN_KEY, APP_ID, APP_SECRET, environmentFor } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/* What large bodies and slow callers cost: the service has a process of its own, whose memory is looked at. */

const MEBIBYTE = 1024 * 1024;
const PATH = '/cgi-bin/freepublish/submit';
const GATEWAY = `/v1/accounts/${APP_ID}/gateway${PATH}`;
const PIECE = Buffer.alloc(MEBIBYTE, 'x');

let wechat: Simulator;
let service: ServiceProcess;
let key: string;
let mostBytes: number;

beforeEach(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  service = await startProcess(environmentFor(wechat)).ready();
  const gateway = { allow: [`POST ${PATH}`], per_minute: 10_000 };
  const body = { id: 'uploader', name: 'Uploader', scopes: ['gateway'], gateway };
  ({ key } = (await service.call<ClientBody>('POST', CLIENTS, { key: ADMIN_KEY, body })).body);
  mostBytes = 0;
});
afterEach(async () => {
  await killProcesses();
  await wechat.close();
});

function look(): void {
  mostBytes = Math.max(mostBytes, service.residentBytes());
}

/** @returns how many bytes came back */
async function exchange(upMebibytes: number): Promise<number> {
  const request = httpRequest(`${service.url}${GATEWAY}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-length': upMebibytes * MEBIBYTE },
  });
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  for (let piece = 0; piece < upMebibytes; piece += 1) {
    if (!request.write(PIECE)) {
      await once(request, 'drain');
    }
    look();
  }
  request.end();
  const [response] = await answered;
  expect(response.statusCode).toBe(200);
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    look();
  }
  return bytes;
}

async function hundredUpAndDown(): Promise<void> {
  await wechat.fault({ path: PATH, kind: 'answer', fillerBytes: 100 * MEBIBYTE });
  expect(await exchange(100)).toBe(100 * MEBIBYTE);
}

it('100 MB up and 100 MB down grow the process by less than 20 MB', async () => {
  // Buffers and code of the first time stay.
  await hundredUpAndDown();
  const warmBytes = mostBytes;
  await hundredUpAndDown();
  await hundredUpAndDown();
  expect((mostBytes - warmBytes) / MEBIBYTE).toBeLessThan(20);
});

it('200 uploads that stand still hold what came of them and no more; reads go on', async () => {
  await exchange(1);
  look();
  const idleBytes = mostBytes;
  const { hostname, port } = new URL(service.url);
  const sockets: Socket[] = [];
  for (let upload = 0; upload < 200; upload += 1) {
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, 'connect');
    socket.write(
      `POST ${GATEWAY} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${MEBIBYTE}\r\n\r\n`,
    );
    socket.write(PIECE.subarray(0, 64 * 1024));
    sockets.push(socket);
  }
  for (let read = 0; read < 50; read += 1) {
    expect((await service.read()).status).toBe(200);
    look();
  }
  // 64 KiB of each came: 12.5 MiB. What was announced is 200 MiB.
  expect((mostBytes - idleBytes) / MEBIBYTE).toBeLessThan(60);
  sockets.forEach((socket) => socket.destroy());
});
