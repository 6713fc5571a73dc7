import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ACCESS_TOKEN_POLICIES } from '../access-token/access-token.policy.js';
import { TICKET_POLICY } from '../tickets/ticket.policy.js';
import type { CredentialFacts, PendingCommit } from './credential-facts.js';
import {
  allowedAtMs,
  claimableAtMs,
  credentialView,
  displayedState,
  dueProbe,
  isUsable,
  outgoingHash,
  STATES,
  type CredentialView,
  type StateName,
} from './credential-view.js';
import { valueHash } from './value-hash.js';

const { stable, legacy } = ACCESS_TOKEN_POLICIES;
const NOW = 1_795_000_000_000;
const HOUR = 3_600_000;

/** A legacy token, fetched an hour ago, due in twenty minutes. */
const LIFE = { obtainedAtMs: NOW - HOUR, expiresAtMs: NOW + HOUR, lifetimeMs: 2 * HOUR };
const ROW: CredentialFacts['row'] = {
  id: 'row',
  appId: 'wx0123456789abcdef',
  kind: 'access_token',
  value: 'sealed',
  previousHash: null,
  previousUntil: null,
  version: 7,
  fence: 7,
  revision: 20,
  updatedAt: NOW - HOUR,
  owner: null,
  leaseUntil: 0,
  claimedAt: NOW - HOUR,
  fetchEndedAt: NOW - HOUR + 100,
  attemptForced: 0,
  configVersion: 1,
  obtainedAt: LIFE.obtainedAtMs,
  expiresAt: LIFE.expiresAtMs,
  lifetimeMs: LIFE.lifetimeMs,
  suspectAt: null,
  unknownOutcomes: 0,
  deadAt: null,
  forceNext: 0,
  nextAttemptAt: NOW + 1_200_000,
  failures: 0,
  lastError: null,
  ledgerFullAt: 0,
  forcedAt: '',
  callsDay: 0,
  callsToday: 0,
  foreignRotations: 0,
};
const STORED = { ...LIFE, version: 7, value: 'stored' };
const PENDING: PendingCommit = {
  version: 8,
  value: 'pending',
  obtainedAtMs: NOW - 10_000,
  expiresAtMs: NOW - 10_000 + 2 * HOUR,
  lifetimeMs: 2 * HOUR,
  claim: { id: 'row', owner: 'us', fence: 8 },
};
const FACTS: CredentialFacts = {
  row: ROW,
  stored: STORED,
  pending: undefined,
  pendingSuspicionMs: undefined,
  deadValue: undefined,
  confirmed: undefined,
  lastProbeAtMs: -Infinity,
  lastUnclaimedFetchAtMs: -Infinity,
  databasePauseUntilMs: 0,
  account: { enabled: true, configVersion: 1 },
  policy: legacy,
};

type Changes = Partial<Omit<CredentialFacts, 'row'>> & { readonly row?: Partial<typeof ROW> };

function factsOf({ row, ...changes }: Changes = {}): CredentialFacts {
  return { ...FACTS, ...changes, row: { ...ROW, ...row } };
}

function viewOf(changes: Changes = {}, nowMs = NOW): CredentialView {
  return credentialView(factsOf(changes), nowMs);
}

function failure(failureClass: string): string {
  return JSON.stringify({ failureClass, errmsg: 'invalid ip', code: 'wechat_error' });
}

const EMPTY: Changes = { stored: undefined, row: { value: null, version: 0, nextAttemptAt: 0 } };
const SUSPECT_SINCE = (ms: number): Changes => ({
  row: { suspectAt: NOW - ms, unknownOutcomes: 1 },
});

interface StateCase {
  readonly state: StateName;
  /** The columns of the table, as in the header of credential-view.ts and in docs/architecture.md. */
  readonly is: string;
  readonly served: string;
  readonly leaves: string;
  readonly facts: readonly (readonly [Changes, isUsable: boolean])[];
  readonly unreadMs?: number;
}

const TABLE: readonly StateCase[] = [
  {
    state: 'empty',
    is: 'no value yet',
    served: 'no',
    leaves: 'a commit',
    facts: [[EMPTY, false]],
  },
  {
    state: 'live',
    is: 'a value before its due time',
    served: 'yes',
    leaves: 'time, a probe, a failure',
    facts: [
      [{}, true],
      [{ policy: stable }, true],
    ],
  },
  {
    state: 'due',
    is: 'the value is still served, a refresh is wanted',
    served: 'yes',
    leaves: 'a commit',
    facts: [
      [{ row: { nextAttemptAt: NOW } }, true],
      [{ row: { failures: 1 } }, true],
    ],
  },
  {
    state: 'suspect',
    is: 'legacy: a fetch of unknown outcome may have replaced it, so it may die within 5 minutes; either mode: it was imported, and WeChat has not confirmed it',
    served: 'legacy: for 270 s, then only while a probe confirms it; stable: yes',
    leaves: 'a commit; of an import, the first probe',
    facts: [
      [SUSPECT_SINCE(60_000), true],
      [{ ...SUSPECT_SINCE(300_000), confirmed: { version: 7, untilMs: NOW + 3_000 } }, true],
      [{ policy: stable, row: { suspectAt: NOW - HOUR } }, true],
    ],
  },
  {
    state: 'stale',
    is: 'legacy: its row was not read for 270 s, so another replica may have replaced it',
    served: 'only while a probe confirms it',
    leaves: 'the row is read',
    unreadMs: 270_000,
    facts: [
      [{}, false],
      [{ row: { nextAttemptAt: NOW } }, false],
      [{ confirmed: { version: 7, untilMs: NOW + 3_000 } }, true],
    ],
  },
  {
    state: 'expired',
    is: 'past its effective expiry, or under 1 s before it',
    served: 'no',
    leaves: 'a commit; of a suspect one, a probe that confirms it',
    facts: [
      [{ stored: { ...STORED, expiresAtMs: NOW - 1 } }, false],
      [{ stored: { ...STORED, expiresAtMs: NOW + 999 } }, false],
      [SUSPECT_SINCE(270_000), false],
    ],
  },
  {
    state: 'dead',
    is: 'WeChat answered 40001, 40014 or 42001 to a call with this value',
    served: 'never',
    leaves: 'a commit',
    facts: [
      [{ row: { deadAt: NOW - 1 } }, false],
      [{ deadValue: 'stored' }, false],
      [{ deadValue: 'stored', confirmed: { version: 7, untilMs: NOW + 3_000 } }, false],
    ],
  },
  {
    state: 'blocked',
    is: 'shown in place of the others where an operator must act: the last failure says so, or no key opens the value',
    served: 'as without it, if it opens',
    leaves: 'a success',
    facts: [
      [{ row: { failures: 1, lastError: failure('operator') } }, true],
      [{ row: { deadAt: NOW, lastError: failure('operator') } }, false],
      [{ stored: { unopened: 'no key opens it' } }, false],
    ],
  },
];

describe.each(TABLE)('$state: $is', ({ state, facts, unreadMs = 0 }) => {
  it.each(facts.map((entry, index) => [index, ...entry] as const))(
    'case %i',
    (_index, changes, usable) => {
      const view = viewOf(changes);
      expect(displayedState(view, NOW - unreadMs, NOW)).toBe(state);
      expect(isUsable(view, NOW - unreadMs, NOW)).toBe(usable);
    },
  );
});

it('the table of states is the same here, in the header of credential-view.ts and in docs/architecture.md', () => {
  const lines = TABLE.map(({ state, is, served, leaves }) =>
    `| ${state} | ${is} | ${served} | ${leaves} |`.replace(/\s+/g, ' '),
  );
  const tableOf = (path: string): string[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.replace(/^ \* /, ''))
      .filter((line) => STATES.some((state) => line.startsWith(`| ${state} |`)));
  expect(TABLE.map(({ state }) => state)).toEqual([...STATES]);
  expect(tableOf('src/wechat/credentials/credential-view.ts')).toEqual(lines);
  expect(tableOf('docs/architecture.md')).toEqual(lines);
});

describe('until when a value may be served', () => {
  it.each<[what: string, changes: Changes, expectedMs: number]>([
    ['its end, when nothing speaks against it', {}, NOW + HOUR],
    ['legacy: 270 s after the first unknown outcome', SUSPECT_SINCE(100_000), NOW + 170_000],
    [
      'legacy: not at all after a second one',
      { row: { suspectAt: NOW - 100_000, unknownOutcomes: 2 } },
      NOW - 100_000,
    ],
    [
      'legacy: 270 s after a claim in flight',
      { row: { owner: 'them', claimedAt: NOW } },
      NOW + 270_000,
    ],
    [
      'legacy: 3 s after the claim that settles a suspicion, since it may end the value at once',
      { row: { suspectAt: NOW - 20_000, unknownOutcomes: 1, owner: 'them', claimedAt: NOW } },
      NOW + 3_000,
    ],
    [
      'legacy: a suspicion that the row has not been told counts, the earlier of the two',
      { row: { suspectAt: NOW - 10_000, unknownOutcomes: 1 }, pendingSuspicionMs: NOW - 20_000 },
      NOW + 250_000,
    ],
    [
      'legacy with a short life: as much less as the life is shorter',
      {
        stored: { ...STORED, lifetimeMs: 120_000 },
        row: { lifetimeMs: 120_000, suspectAt: NOW, unknownOutcomes: 1 },
      },
      NOW + 27_000,
    ],
    [
      'stable: a fetch ends nothing',
      { policy: stable, row: { suspectAt: NOW, unknownOutcomes: 2, owner: 'them' } },
      NOW + HOUR,
    ],
    [
      'a probe confirms it',
      { ...SUSPECT_SINCE(HOUR), confirmed: { version: 7, untilMs: NOW + 9 } },
      NOW + 9,
    ],
    [
      'a probe of an older version confirms nothing',
      { ...SUSPECT_SINCE(HOUR), confirmed: { version: 6, untilMs: NOW + 9 } },
      NOW - HOUR + 270_000,
    ],
    [
      'a confirmation does not outlast the end',
      { confirmed: { version: 7, untilMs: NOW + 2 * HOUR } },
      NOW + HOUR,
    ],
    ['an account that was removed: not at all', { account: 'removed' }, 0],
    [
      'an account that is switched off: as before',
      { account: { enabled: false, configVersion: 1 } },
      NOW + HOUR,
    ],
    ['a pending commit: its own end', { pending: PENDING }, PENDING.expiresAtMs],
    [
      'a pending commit is newer than the suspicion of the row',
      { pending: PENDING, ...SUSPECT_SINCE(300_000) },
      PENDING.expiresAtMs,
    ],
    [
      'fenced off, it is suspect like the row',
      { pending: { ...PENDING, claim: undefined, isFencedOff: true }, ...SUSPECT_SINCE(100_000) },
      NOW + 170_000,
    ],
    [
      'fetched without a claim, and another replica has stored a later fetch: a probe is required',
      { pending: { ...PENDING, claim: undefined }, row: { obtainedAt: NOW - 5_000 } },
      0,
    ],
    ['a pending value that is dead', { pending: PENDING, deadValue: 'pending' }, 0],
    [
      'a pending value, and the stored one is dead',
      { pending: PENDING, row: { deadAt: NOW } },
      PENDING.expiresAtMs,
    ],
    [
      'a pending value that equals the stored one, which the row calls dead',
      { pending: { ...PENDING, value: 'stored' }, row: { deadAt: NOW } },
      0,
    ],
    [
      'a pending value that the row has gone beyond',
      { pending: PENDING, row: { version: 8 } },
      NOW + HOUR,
    ],
  ])('%s', (_what, changes, expectedMs) => {
    expect(viewOf(changes).effectiveExpiresAtMs).toBe(expectedMs);
  });
});

describe('when the schedule wants a refresh', () => {
  it.each<[what: string, changes: Changes, expectedMs: number]>([
    ['at the time of the row', {}, NOW + 1_200_000],
    ['a claim in flight: when its lease is over', { row: { owner: 'them' } }, 0],
    ['a secret or mode that was changed: now', { account: { enabled: true, configVersion: 2 } }, 0],
    ['a death that the row has not been told: now', { deadValue: 'stored' }, 0],
    [
      'a death that the row knows: at the time of the row',
      { row: { deadAt: NOW } },
      NOW + 1_200_000,
    ],
    ['a pending commit: by its own claim', { pending: PENDING }, NOW + 1_200_000],
    ['a value fetched without a claim: now', { pending: { ...PENDING, claim: undefined } }, 0],
    [
      'one that was fenced off: at the time of the row',
      { pending: { ...PENDING, claim: undefined, isFencedOff: true } },
      NOW + 1_200_000,
    ],
    ['a row from the future: now', { row: { obtainedAt: NOW + 5_001 } }, 0],
    [
      'the database does not answer: after the pause',
      { deadValue: 'stored', databasePauseUntilMs: NOW + 500 },
      NOW + 500,
    ],
    [
      'a pause that a clock ahead has set is passed over',
      { deadValue: 'stored', databasePauseUntilMs: NOW + 10_001 },
      0,
    ],
    [
      'an account that is switched off: never',
      { account: { enabled: false, configVersion: 1 } },
      Infinity,
    ],
    ['an account that was removed: never', { account: 'removed' }, Infinity],
    ['a value that no key opens: never', { stored: { unopened: 'no key' } }, Infinity],
  ])('%s', (_what, changes, expectedMs) => {
    expect(viewOf(changes).dueAtMs).toBe(expectedMs);
  });

  it('not from here, where another replica knows a newer configuration', () => {
    expect(viewOf({ row: { configVersion: 2 } }).isOutdated).toBe(true);
    expect(viewOf({}).isOutdated).toBe(false);
  });

  it('not while another claim holds the lease, unless a broken clock wrote it', () => {
    expect(viewOf({ row: { leaseUntil: NOW + 45_000 } }).leasedUntilMs).toBe(NOW + 45_000);
    expect(viewOf({ row: { leaseUntil: NOW + 120_001 } }).leasedUntilMs).toBe(0);
  });

  it('by force, where WeChat refuses the value and returned it again, and one is allowed', () => {
    const dead: Changes = { policy: stable, row: { deadAt: NOW, forceNext: 1 } };
    expect(viewOf(dead).forceNext).toBe(true);
    expect(viewOf({ ...dead, policy: legacy }).forceNext).toBe(false);
    expect(viewOf({ policy: stable, row: { forceNext: 1 } }).forceNext).toBe(false);
    const lately = { ...dead, row: { ...dead.row, forcedAt: String(NOW - 10_000) } };
    expect(viewOf(lately)).toMatchObject({ forceNext: false, changesAtMs: NOW + 20_000 });
    expect(viewOf(lately, NOW + 20_000).forceNext).toBe(true);
  });
});

describe('when a claim may be made', () => {
  const schedule = { cause: 'schedule', force: 'no' } as const;
  it.each<[what: string, changes: Changes, expectedMs: number]>([
    ['5 s after the last claim', { row: { claimedAt: NOW } }, NOW + 5_000],
    [
      '5 s after the end of the last fetch',
      { row: { claimedAt: NOW, fetchEndedAt: NOW + 900 } },
      NOW + 5_900,
    ],
    ['stable: 2 s', { policy: stable, row: { claimedAt: NOW } }, NOW + 2_000],
    [
      'a claim that a broken clock wrote is passed over',
      { row: { claimedAt: NOW + 120_001, fetchEndedAt: 0 } },
      5_000,
    ],
    ['when the ledger has room', { row: { ledgerFullAt: NOW + 60 * 432_000 } }, NOW + 432_000],
  ])('%s', (_what, changes, expectedMs) => {
    expect(claimableAtMs(factsOf(changes), schedule, NOW)).toBe(expectedMs);
  });

  it('a report of a dead value waits through the pause after a failure, an admin does not', () => {
    const facts = factsOf({ row: { deadAt: NOW } });
    expect(allowedAtMs(facts, { cause: 'report', force: 'no' }, NOW)).toBe(NOW + 1_200_000);
    expect(allowedAtMs(facts, { cause: 'admin', force: 'no' }, NOW)).toBe(0);
  });

  it('a forced one 30 s after the last', () => {
    const facts = factsOf({ policy: stable, row: { forcedAt: String(NOW - 10_000) } });
    expect(allowedAtMs(facts, { cause: 'admin', force: 'requested' }, NOW)).toBe(NOW + 20_000);
  });
});

describe('which probe is due', () => {
  const probe = (changes: Changes, { unreadMs = 0, lastMs = Infinity } = {}): unknown =>
    dueProbe(viewOf(changes), {
      lastProbeAtMs: NOW - lastMs,
      rowsReadAtMs: NOW - unreadMs,
      nowMs: NOW,
    });
  const bySuspicion = { everyMs: 3_000, confirmsForMs: 4_500 };
  const byStaleness = { everyMs: 30_000, confirmsForMs: 50_000 };
  const ofImport = { everyMs: 30_000, confirmsForMs: 4_500 };

  it('none of a value that nothing speaks against', () => {
    expect(probe({})).toBeUndefined();
    expect(probe(SUSPECT_SINCE(266_999))).toBeUndefined();
  });

  it('of a suspect one from 3 s before it must be confirmed, every 3 s', () => {
    expect(probe(SUSPECT_SINCE(267_000))).toMatchObject(bySuspicion);
    expect(probe(SUSPECT_SINCE(267_000), { lastMs: 2_999 })).toBeUndefined();
    expect(probe(SUSPECT_SINCE(267_000), { lastMs: 3_000 })).toMatchObject(bySuspicion);
  });

  it('of an import that WeChat has not confirmed, every 30 s, also in stable mode', () => {
    const imported: Changes = { row: { suspectAt: NOW - 10_000 } };
    expect(probe(imported)).toMatchObject(ofImport);
    expect(probe({ ...imported, policy: stable })).toMatchObject(ofImport);
    expect(probe(imported, { lastMs: 29_999 })).toBeUndefined();
  });

  it('of a legacy one whose row was not read for 260 s, every 30 s', () => {
    expect(probe({}, { unreadMs: 259_999 })).toBeUndefined();
    expect(probe({}, { unreadMs: 260_000 })).toMatchObject(byStaleness);
    expect(probe({ policy: stable }, { unreadMs: HOUR })).toBeUndefined();
    expect(probe({ policy: TICKET_POLICY }, { unreadMs: HOUR })).toBeUndefined();
  });

  it.each<[what: string, changes: Changes]>([
    ['a dead one', { deadValue: 'stored' }],
    ['one that is over', { stored: { ...STORED, expiresAtMs: NOW } }],
    ['one of an account that is switched off', { account: { enabled: false, configVersion: 1 } }],
    ['one of an account that was removed', { account: 'removed' }],
    ['none', EMPTY],
  ])('none of %s', (_what, changes) => {
    expect(probe({ ...changes, pendingSuspicionMs: 1 }, { unreadMs: HOUR })).toBeUndefined();
  });
});

describe('what else follows', () => {
  it('a version that never goes back', () => {
    expect(viewOf({}).version).toBe(7);
    expect(viewOf({ pending: PENDING }).version).toBe(8);
    expect(viewOf({ stored: { unopened: 'no key' } }).version).toBe(7);
    expect(viewOf(EMPTY).version).toBe(0);
  });

  it('a death early in a life that nobody here disturbed is a foreign rotation', () => {
    expect(viewOf({}).isForeignIfDead).toBe(true);
    expect(viewOf({ row: { owner: 'them' } }).isForeignIfDead).toBe(false);
    expect(viewOf(SUSPECT_SINCE(1)).isForeignIfDead).toBe(false);
    expect(viewOf({ pending: PENDING }).isForeignIfDead).toBe(false);
    expect(viewOf({}, NOW + HOUR - 60_000).isForeignIfDead).toBe(false);
  });

  it('a fetch without a claim: stable alone, in the last 120 s, 30 s apart', () => {
    expect(viewOf({}).unclaimedFetchAtMs).toBe(Infinity);
    expect(viewOf({ policy: stable }).unclaimedFetchAtMs).toBe(NOW + HOUR - 120_000);
    expect(
      viewOf({ policy: stable, lastUnclaimedFetchAtMs: NOW + HOUR - 100_000 }).unclaimedFetchAtMs,
    ).toBe(NOW + HOUR - 70_000);
  });

  it('the value before the live one: by the row, or by a pending commit', () => {
    expect(viewOf({}).previous).toBeUndefined();
    expect(viewOf({ row: { previousHash: 'hash', previousUntil: NOW } }).previous).toEqual({
      hash: 'hash',
      untilMs: NOW,
    });
    expect(viewOf({ pending: PENDING }).previous).toEqual({
      hash: valueHash('stored'),
      untilMs: PENDING.obtainedAtMs + 270_000,
    });
    expect(outgoingHash(factsOf({ row: { deadAt: NOW } }), 'next')).toBeNull();
  });
});

describe('what the row has to be told', () => {
  it.each<[what: string, changes: Changes, expected: boolean]>([
    ['nothing', {}, false],
    ['a value', { pending: PENDING }, true],
    [
      'a value that was fetched without a claim: a later claim stores it',
      { pending: { ...PENDING, claim: undefined } },
      false,
    ],
    ['a suspicion', { pendingSuspicionMs: NOW }, true],
    ['a death', { deadValue: 'stored' }, true],
    ['a death that it knows', { deadValue: 'stored', row: { deadAt: NOW } }, false],
    [
      'the death of a value that it never had',
      { pending: { ...PENDING, claim: undefined }, deadValue: 'pending' },
      false,
    ],
  ])('%s', (_what, changes, expected) => {
    expect(viewOf(changes).isUnwritten).toBe(expected);
  });
});

describe('when time alone changes the view', () => {
  it.each<[what: string, changes: Changes, expectedMs: number]>([
    ['at the due time', {}, NOW + 1_200_000],
    ['one second before the end', { row: { nextAttemptAt: NOW } }, NOW + HOUR - 60_000],
    ['when probes of a suspect value begin', SUSPECT_SINCE(60_000), NOW + 207_000],
    ['when a lease can be right again', { row: { leaseUntil: NOW + 130_000 } }, NOW + 10_000],
    ['never again', EMPTY, Infinity],
  ])('%s', (_what, changes, expectedMs) => {
    expect(viewOf(changes).changesAtMs).toBe(expectedMs);
  });

  it('a view is the same until then', () => {
    const { changesAtMs, ...view } = viewOf({});
    expect(viewOf({}, changesAtMs - 1)).toMatchObject(view);
  });
});
