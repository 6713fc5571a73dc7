import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, type TestDatabase } from './support/database.js';
import { FETCH_PATH, type Mode } from './support/pair.js';
import { APP_ID, APP_SECRET, startService, type Service } from './support/service.js';
import { startSimulator, type Simulator } from './support/simulator.js';

/*
 * Short lives shrink the floor between two fetches to less than the 250 ms after which a waiting replica looks
 * again, so the floor hides nothing here: each death has to be replaced once because refreshes know what they
 * replace.
 */

const ROUNDS = 20;
const REPLICAS = 3;
const REPORTS = 150;

let database: TestDatabase;
let wechat: Simulator;
let replicas: Service[] = [];

beforeEach(async () => {
  database = await createDatabase();
  wechat = await startSimulator({
    accounts: [{ appId: APP_ID, secret: APP_SECRET }],
    lifetimeSeconds: 60,
  });
});

afterEach(async () => {
  for (const replica of replicas) {
    await replica.close();
  }
  replicas = [];
  await wechat.close();
  await database.remove();
});

async function pass(seconds: number): Promise<void> {
  await wechat.advance(seconds * 1_000);
  for (const replica of replicas) {
    replica.advance(seconds * 1_000);
  }
  for (const replica of replicas) {
    await replica.poll();
  }
}

async function killAll(): Promise<void> {
  for (const { accessToken } of await wechat.tokens(APP_ID, { alive: true })) {
    await wechat.killToken(accessToken);
  }
}

describe.each<Mode>(['legacy', 'stable'])('three replicas of a short-lived %s token', (mode) => {
  it('fetch once for each death, however many reports come at once', async () => {
    for (let count = 0; count < REPLICAS; count += 1) {
      const replica = await startService(wechat, {
        DATABASE_URL: database.url,
        WECHAT_TOKEN_MODE: mode,
      });
      replica.stopCron();
      await replica.ready();
      replicas.push(replica);
    }
    const rounds: { fetches: number; tokens: number; outcomes: Set<unknown> }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await pass(2);
      const before = await wechat.countCalls({ path: FETCH_PATH[mode] });
      const { body } = await replicas[0]!.read('?wait=0');
      await killAll();
      const answers = await Promise.all(
        Array.from({ length: REPORTS }, (_, index) =>
          replicas[index % REPLICAS]!.report({ access_token: body.access_token, errcode: 40001 }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      const outcomes = new Set(answers.map((answer) => answer.body.outcome));
      // The replicas that came later found the work done.
      outcomes.delete('superseded');
      const tokens = new Set(answers.map((answer) => answer.body.access_token)).size;
      const fetches = (await wechat.countCalls({ path: FETCH_PATH[mode] })) - before;
      rounds.push({ fetches, tokens, outcomes });
    }
    const one = { fetches: 1, tokens: 1, outcomes: new Set(['refreshed']) };
    expect(rounds).toEqual(Array.from({ length: ROUNDS }, () => one));
  }, 120_000);
});
