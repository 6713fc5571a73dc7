import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { FaultInputSchema } from '../../src/simulator/faults/fault.dto.js';
import { JournalQuerySchema } from '../../src/simulator/journal/journal.dto.js';
import { AccountInputSchema } from '../../src/simulator/control/account.dto.js';
import { SettingsPatchSchema } from '../../src/simulator/control/settings.dto.js';
import { startSimulator } from '../support/simulator.js';
import type { Simulator } from '../support/simulator.js';
import { WechatCaller } from './wechat-caller.js';

const PAGE = readFileSync('docs/simulator.md', 'utf8');
const ACCOUNT = { appId: 'wx0123456789abcdef', secret: 'my-secret' };

const SETTINGS = Object.keys(SettingsPatchSchema.shape);
const VARIABLES = ['host', 'port', 'accounts', ...SETTINGS].map(
  (name) => `SIMULATOR_${name.toUpperCase()}`,
);
const KINDS = FaultInputSchema.options.map((option) => option.shape.kind.value);

describe('docs/simulator.md', () => {
  it.each([
    ['setting', SETTINGS],
    ['variable', VARIABLES],
    ['field of an account', Object.keys(AccountInputSchema.shape)],
    ['kind of fault', KINDS],
    [
      'field of a fault',
      [...new Set(FaultInputSchema.options.flatMap((option) => Object.keys(option.shape)))],
    ],
    ['filter of the journal', Object.keys(JournalQuerySchema.shape)],
  ])('names every %s', (_, names) => {
    expect(names.filter((name) => !PAGE.includes(`\`${name}\``) && name !== 'kind')).toEqual([]);
  });

  it('names no variable that there is not', () => {
    const named = new Set(PAGE.match(/\bSIMULATOR_[A-Z_]+/g));

    expect([...named].filter((name) => !VARIABLES.includes(name))).toEqual([]);
  });

  describe('each curl example', () => {
    let wechat: Simulator;
    let token = '';

    beforeAll(async () => {
      wechat = await startSimulator();
    });

    afterAll(() => wechat.close());

    const control =
      /curl -s (?:-X (\w+) )?'?http:\/\/127\.0\.0\.1:3001(\/__simulator[^\s']*)'?(?: -d '(.*)')?$/;
    const examples = PAGE.split('\n')
      .map((line) => control.exec(line))
      .filter((match) => match !== null)
      .map(([line, method, path = '', body]) => ({ line, method, path, body }));

    it('is found', () => {
      const lines = PAGE.split('\n').filter((line) => line.startsWith('curl'));

      expect(examples.map(({ line }) => line)).toEqual(lines);
      expect(lines.length).toBeGreaterThan(30);
    });

    it.each(examples)('works: $line', async ({ method, path, body }) => {
      if (body?.includes("'$TOKEN'")) {
        const caller = new WechatCaller(wechat.url, ACCOUNT.appId, ACCOUNT.secret);
        token = String((await caller.fetchLegacy()).access_token);
      }
      const response = await fetch(wechat.url + path, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        body: body?.replace("'$TOKEN'", token),
      });

      expect(response.status).toBeLessThan(300);
    });
  });
});
