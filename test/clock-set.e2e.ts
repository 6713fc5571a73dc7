import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { CredentialReaderService } from '../src/wechat/credentials/credential-reader.service.js';
import { CredentialStore } from '../src/wechat/credentials/credential-store.js';
import { Clock } from '../src/time/clock.js';
import { Pair } from './support/pair.js';
import { APP_ID } from './support/service.js';

/* Somebody sets the clock of one machine, and puts it back. */

const HOUR_MS = 3_600_000;

let pair: Pair;
beforeEach(async () => {
  pair = await Pair.start();
  pair.service.stopCron();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await pair.close();
});

it('who waits while the clock is ahead has the token as soon as it is put back', async () => {
  const { app } = pair.service;
  const store = app.get(CredentialStore);
  const token = await pair.token();
  const slot = store.find(APP_ID, 'access_token');
  if (slot === undefined) {
    throw new Error('the account has no access_token');
  }

  const wall = jest
    .spyOn(app.get(Clock), 'wallMs')
    .mockImplementation(() => Date.now() + 2 * HOUR_MS);
  expect(store.current(slot)).toBeUndefined();
  const reading = app.get(CredentialReaderService).read(slot, HOUR_MS);
  wall.mockRestore();

  expect(await reading).toMatchObject({ value: token, version: 1 });
  expect(await pair.fetchCount()).toBe(1);
});
