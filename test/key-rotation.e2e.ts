import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { Machine, section } from './support/machine.js';
import { killProcesses } from './support/process.js';
import { APP_ID, APP_SECRET } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * "Rotate the encryption key" of docs/operations.md, run as it is written, on two replicas of one database, while a
 * client reads without a pause as it would through nginx: what one replica refuses, the other one is asked.
 */

const LONG_MS = 180_000;
const OLD_KEY = randomBytes(32).toString('base64');

let wechat: Simulator;
let database: TestDatabase;
let replicas: readonly [Machine, Machine];
let reader: Reader | undefined;

beforeEach(async () => {
  wechat = await startSimulator({ accounts: [{ appId: APP_ID, secret: APP_SECRET }] });
  database = await createDatabase();
  const secrets = {
    'database-url': database.url,
    'encryption-key': OLD_KEY,
    'encryption-previous-keys': OLD_KEY,
  };
  replicas = [await Machine.create(wechat, secrets), await Machine.create(wechat, secrets)];
  for (const replica of replicas) {
    await replica.start();
  }
});
afterEach(async () => {
  await reader?.stop();
  await Promise.all(replicas.map((replica) => replica.remove()));
  await killProcesses();
  await wechat.close();
  await database.remove();
});

/** Reads without a pause, of one replica and then the other, until it is stopped. */
class Reader {
  readonly answers = new Map<string, number>();
  private isStopped = false;
  private readonly done = this.read();

  /** @returns how often each status and token was answered; a read that both replicas refused is told so */
  async stop(): Promise<ReadonlyMap<string, number>> {
    this.isStopped = true;
    await this.done;
    return this.answers;
  }

  private async read(): Promise<void> {
    for (let turn = 0; !this.isStopped; turn += 1) {
      const answer = await this.readOnce(turn);
      this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    }
  }

  private async readOnce(turn: number): Promise<string> {
    const order = turn % 2 === 0 ? replicas : [...replicas].reverse();
    for (const replica of order) {
      try {
        const { status, body } = await replica.service.read('?wait=0');
        return `${status} ${body.access_token}`;
      } catch {
        // It is being restarted: the next one is asked, as nginx does.
      }
    }
    // Lets others run: no request was made.
    await nextTurn();
    return 'refused by both';
  }
}

async function onEach(commands: string | undefined): Promise<void> {
  for (const replica of replicas) {
    expect(await replica.run(commands)).toMatchObject({ code: 0 });
  }
}

function keyIdIn(output: string): string {
  return /with the id ([0-9a-f]{16})/.exec(output)?.[1] ?? 'no id was told';
}

describe('rotate the encryption key', () => {
  const [make, announce, change, reseal, finish] = section('Rotate the encryption key');

  it(
    'as written, on two replicas: no read fails, no call to WeChat, and the old key opens nothing any more',
    async () => {
      const [first, second] = replicas;
      const token = (await first.service.read()).body.access_token;
      const since = await wechat.lastSeq();
      reader = new Reader();

      const made = await first.run(make);
      expect(made).toMatchObject({ code: 0 });
      const nextKey = readFileSync(first.secret('next-key'), 'utf8').trim();
      expect(Buffer.from(nextKey, 'base64')).toHaveLength(32);
      expect(statSync(first.secret('next-key')).mode & 0o777).toBe(0o600);
      expect(made.output).not.toContain(nextKey);
      copyFileSync(first.secret('next-key'), second.secret('next-key'));

      await onEach(announce);
      await onEach(change);
      const resealed = await first.run(reseal);
      expect(resealed).toMatchObject({ code: 0 });
      expect(resealed.output).toContain(`with the key ${keyIdIn(made.output)}.`);
      expect(resealed.output).toContain('No other key is needed for what is stored.');
      await onEach(finish);

      const answers = await reader.stop();
      expect([...answers.keys()]).toEqual([`200 ${token}`]);
      expect(answers.get(`200 ${token}`)).toBeGreaterThan(100);
      expect(await wechat.countCalls({ since })).toBe(0);

      for (const name of ['encryption-key', 'encryption-previous-keys']) {
        expect(readFileSync(second.secret(name), 'utf8').trim()).toBe(nextKey);
        writeFileSync(second.secret(name), OLD_KEY);
      }
      const refused = await second.run(reseal);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.output).toContain(`it is sealed with the key ${keyIdIn(made.output)}`);
    },
    LONG_MS,
  );

  it(
    'the command seals anew what replicas that still have the old key store, while they serve it',
    async () => {
      const [first, second] = replicas;
      const made = await first.run(make);
      copyFileSync(first.secret('next-key'), second.secret('next-key'));
      await onEach(announce);
      await second.service.adminRefresh({ force: true });
      const current = (await second.service.read()).body;

      // The step before it is left out: these replicas go on sealing with the old key.
      writeFileSync(first.secret('encryption-previous-keys'), OLD_KEY);
      copyFileSync(first.secret('next-key'), first.secret('encryption-key'));
      const resealed = await first.run(reseal);
      expect(resealed.output).toContain(
        `2 sealed values, 2 of them sealed anew with the key ${keyIdIn(made.output)}.`,
      );
      expect(resealed.code).toBe(0);
      expect((await first.run(reseal)).output).toContain('2 sealed values, 0 of them sealed anew');

      for (const replica of replicas) {
        await eventually(async () => {
          const { status, body } = await replica.service.read();
          expect([status, body.access_token]).toEqual([200, current.access_token]);
        });
      }
      // The AppSecret opens as well: WeChat is asked with it.
      const refreshed = await second.service.adminRefresh({ force: false });
      expect(refreshed.status).toBe(200);
    },
    LONG_MS,
  );
});
