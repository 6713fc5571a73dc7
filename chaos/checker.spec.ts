import { describe, expect, it } from '@jest/globals';
import type { JournalEntry } from '../src/simulator/journal/journal.dto.js';
import type { Evidence, HistoryRow, Token, Verdict } from './evidence.js';
import { check } from './checker.js';
import type { FaultSpan, Read, Report, Row, UpstreamCall } from './record.js';
import { termsFor } from './terms.js';

/** The start of every record here; times below are milliseconds after it. */
const T0 = Date.parse('2026-11-22T12:00:00.000Z');
/** Lifetime 96 s, overlap 24 s, served in doubt 21.6 s, lease 5.4 s, floor 400 ms, grace 2.24 s. */
const LEGACY = termsFor({ mode: 'legacy', database: 'postgres', replicas: 3 });
const STABLE = termsFor({ mode: 'stable', database: 'postgres', replicas: 3 });

/** A run in which nothing went wrong: one token, minted at the start, and one read of it. */
function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    terms: LEGACY,
    reads: [read(1_000)],
    reports: [],
    adminRefreshes: [],
    calls: [call(10, 50)],
    faults: [],
    absences: [],
    kills: [],
    rows: [row(0, { fence: 1, claimedAt: 0, callsToday: 1 })],
    logs: [],
    journal: [],
    tokens: [token('a', 0)],
    history: [opened(1, 0)],
    settled: { lastFaultAt: T0 + 60_000, settledAt: T0 + 70_000, problem: null },
    outputs: [{ name: 'the log of replica 0', text: '{"event":"refresh"}' }],
    secrets: [{ name: 'the admin key', text: 'canary-admin-key' }],
    ...changes,
  };
}

function read(at: number, changes: Partial<Read> = {}): Read {
  return {
    kind: 'read',
    replica: 0,
    incarnation: 1,
    at: T0 + at,
    endedAt: T0 + at + 3,
    status: 200,
    code: null,
    version: 1,
    tag: 'a',
    expiresAt: T0 + 96_000,
    ...changes,
  };
}

function call(at: number, endedAt: number, replica = 0): UpstreamCall {
  return { kind: 'call', replica, path: '/cgi-bin/token', at: T0 + at, endedAt: T0 + endedAt };
}

/** `claimedAt` in milliseconds after the start, as `at`. */
function row(at: number, changes: Partial<Row>): Row {
  return {
    kind: 'row',
    version: 1,
    fence: 1,
    revision: 1,
    owner: null,
    leaseUntil: 0,
    suspectAt: null,
    unknownOutcomes: 0,
    deadAt: null,
    callsToday: 1,
    ...changes,
    at: T0 + at,
    claimedAt: T0 + (changes.claimedAt ?? 0),
  };
}

function token(tag: string, mintedAt: number, foreign = false): Token {
  return { tag, foreign, mintedAt: T0 + mintedAt, expiresAt: T0 + mintedAt + 96_000 };
}

function report(at: number, changes: Partial<Report>): Report {
  return {
    kind: 'report',
    replica: 1,
    at: T0 + at,
    endedAt: T0 + at + 100,
    tag: 'a',
    status: 200,
    code: null,
    outcome: 'refreshed',
    ...changes,
  };
}

function probe(at: number, tag: string, errcode: number): JournalEntry {
  return {
    seq: 1,
    started_at: new Date(T0 + at).toISOString(),
    ended_at: new Date(T0 + at + 2).toISOString(),
    start_order: 1,
    end_order: 2,
    method: 'GET',
    path: '/cgi-bin/getcallbackip',
    raw_query: 'access_token=[0255dc9732f3]',
    query_keys: ['access_token'],
    headers: {},
    body_bytes: 0,
    body_sha256: null,
    app_id: null,
    caller_ip: '127.0.0.2',
    foreign: false,
    outcome: 'answered',
    status: 200,
    errcode,
    fault: null,
    forced: false,
    token_tag: tag,
    issued: null,
  };
}

function opened(fence: number, at: number, outcome: string | null = 'committed'): HistoryRow {
  return { fence, startedAt: T0 + at, outcome };
}

function stopped(replica: number, at: number, endedAt: number): Evidence['absences'][number] {
  return { kind: 'absence', replica, how: 'stopped', at: T0 + at, endedAt: T0 + endedAt };
}

function verdict(invariant: string, changes: Partial<Evidence>): Verdict {
  const found = check(evidence(changes)).find((one) => one.invariant === invariant);
  if (found === undefined) {
    throw new Error(`no verdict on ${invariant}`);
  }
  return found;
}

function violations(invariant: string, changes: Partial<Evidence>): readonly string[] {
  return verdict(invariant, changes).violations;
}

it('finds nothing in a run in which nothing went wrong', () => {
  const verdicts = check(evidence());
  expect(verdicts.map(({ invariant }) => invariant)).toEqual([
    'I1',
    'I2',
    'I3',
    'I4',
    'I5',
    'I6',
    'I7',
    'I8',
    'I9',
    'I10',
  ]);
  expect(verdicts.flatMap((one) => one.violations)).toEqual([]);
});

describe('I1, one fetch in flight', () => {
  const together = [call(1_000, 1_500, 0), call(1_400, 1_450, 1)];

  it('finds two at once', () => {
    expect(violations('I1', { calls: together })).toEqual([
      'fetches of replica 0 and, 400 ms later, of replica 1 were in flight together: nobody was stopped',
    ]);
  });

  it('takes one after the other', () => {
    expect(violations('I1', { calls: [call(1_000, 1_400), call(1_400, 1_450, 1)] })).toEqual([]);
  });

  it('does not count a probe', () => {
    const probing = { ...call(1_400, 1_450, 1), path: '/cgi-bin/getcallbackip' };
    expect(violations('I1', { calls: [call(1_000, 1_500), probing] })).toEqual([]);
  });

  const pastLease = [call(1_000, 9_000, 0), call(6_500, 6_550, 1)];
  const suspect = [row(6_450, { suspectAt: T0 + 990 }), row(7_000, {})];

  it('excuses a holder that was stopped past its lease, if the row became suspect', () => {
    const absences = [stopped(0, 1_100, 8_900)];
    expect(violations('I1', { calls: pastLease, absences, rows: suspect })).toEqual([]);
    expect(violations('I1', { calls: pastLease, absences, rows: [row(0, {})] })).toEqual([
      expect.stringContaining('the row did not become suspect'),
    ]);
  });

  it('does not excuse one whose lease was not over, nor a stop of another replica', () => {
    const early = [call(1_000, 9_000, 0), call(4_000, 4_050, 1)];
    const rows = [row(4_000, { suspectAt: T0 + 990 })];
    expect(violations('I1', { calls: early, absences: [stopped(0, 1_100, 8_900)], rows })).toEqual([
      expect.stringContaining('the lease was not over'),
    ]);
    const other = [stopped(2, 1_100, 8_900)];
    expect(violations('I1', { calls: pastLease, absences: other, rows: suspect })).toHaveLength(1);
  });
});

describe('I2, the floor', () => {
  const claims = (gapMs: number, fence = 2): Row[] => [
    row(0, { fence: 1, claimedAt: 0 }),
    row(gapMs, { fence, claimedAt: gapMs }),
  ];

  it('finds two claims that came closer than 400 ms', () => {
    expect(violations('I2', { rows: claims(399) })).toEqual([
      'fences 1 and 2 were claimed 399 ms apart',
    ]);
    expect(violations('I2', { rows: claims(400) })).toEqual([]);
  });

  it('finds a claim that was over before anybody looked', () => {
    expect(violations('I2', { rows: claims(500, 3) })).toHaveLength(1);
    expect(violations('I2', { rows: claims(800, 3) })).toEqual([]);
  });

  it('finds a claim that only the history tells of', () => {
    const history = [opened(1, 0), opened(2, 300)];
    expect(violations('I2', { history })).toEqual(['fences 1 and 2 were claimed 300 ms apart']);
  });
});

describe('I3, the ledger', () => {
  it('finds a fetch that was not booked', () => {
    const calls = [call(0, 10), call(1_000, 1_010)];
    expect(violations('I3', { calls })).toEqual(['2 fetches were made, but 1 were booked']);
  });

  it('finds more fetches than the bucket holds', () => {
    const rows = [row(0, { callsToday: 1 }), row(1_000, { callsToday: 62 })];
    expect(violations('I3', { rows })).toEqual(['62 fetches were booked, but the bucket held 61']);
  });

  it('goes on counting when the day ends', () => {
    const rows = [row(0, { callsToday: 5 }), row(1, { callsToday: 1 }), row(2, { callsToday: 2 })];
    expect(verdict('I3', { rows }).note).toBe('7 booked of 61');
  });
});

describe('I4, versions', () => {
  it('finds a replica that went back', () => {
    const reads = [read(0, { version: 5 }), read(100, { version: 4 })];
    expect(violations('I4', { reads })).toEqual(['replica 0 served version 4 after 5']);
  });

  it('takes reads that were under way together in any order, and a new process for another', () => {
    const together = [read(0, { version: 5 }), read(1, { version: 4 })];
    expect(violations('I4', { reads: together })).toEqual([]);
    const restarted = [read(0, { version: 5 }), read(100, { version: 4, incarnation: 2 })];
    expect(violations('I4', { reads: restarted })).toEqual([]);
  });

  it('finds a row that went back, by itself or by what a replica says', () => {
    const rows = [row(0, { version: 6 }), row(1, { version: 5 })];
    expect(violations('I4', { rows })).toEqual(['the row went from version 6 back to 5']);
    const log = {
      kind: 'log',
      replica: 2,
      at: T0,
      event: 'row_behind_memory',
      fields: {},
    } as const;
    expect(violations('I4', { logs: [log] })).toHaveLength(1);
  });
});

describe('I5, expiry', () => {
  it('finds a read within the last second that the answer told', () => {
    const expiresAt = T0 + 50_000;
    expect(violations('I5', { reads: [read(49_251, { expiresAt })] })).toHaveLength(1);
    expect(violations('I5', { reads: [read(49_249, { expiresAt })] })).toEqual([]);
  });

  it('finds a read after the end at WeChat, whatever the answer told', () => {
    const reads = [read(96_001, { expiresAt: T0 + 200_000 })];
    expect(violations('I5', { reads })).toEqual([
      'replica 0 served version 1 1 ms after its end at WeChat',
    ]);
  });

  it('finds a token that WeChat never minted', () => {
    expect(violations('I5', { reads: [read(0, { tag: 'x' })] })).toHaveLength(1);
  });

  const tokens = [token('a', 0), token('b', 10_000)];

  it('finds a read 21.6 s after a later fetch, unless a probe accepted the token', () => {
    const late = [read(31_900)];
    expect(violations('I5', { tokens, reads: late })).toHaveLength(1);
    expect(violations('I5', { tokens, reads: [read(31_800)] })).toEqual([]);
    const accepted = [probe(31_000, 'a', 0)];
    expect(violations('I5', { tokens, reads: late, journal: accepted })).toEqual([]);
    const refused = [probe(31_000, 'a', 40001)];
    expect(violations('I5', { tokens, reads: late, journal: refused })).toHaveLength(1);
  });

  it('does not doubt a stable token', () => {
    const reads = [read(31_900)];
    expect(violations('I5', { terms: STABLE, tokens, reads })).toEqual([]);
  });
});

describe('I6, dead reads', () => {
  /** Superseded at 10 s, so dead at 34 s; counted from 39 s. */
  const superseded = [token('a', 0), token('b', 10_000)];

  it('finds reads of a token that had been dead for longer than the grace', () => {
    expect(violations('I6', { tokens: superseded, reads: [read(39_001)] })).toEqual([
      'replica 0 served version 1, dead for 5001 ms to 5001 ms, 1 times from 12:00:39.001',
    ]);
    expect(violations('I6', { tokens: superseded, reads: [read(38_999)] })).toEqual([]);
  });

  it('knows that a second mint ends the overlap of the first', () => {
    const tokens = [...superseded, token('c', 12_000)];
    expect(violations('I6', { tokens, reads: [read(17_010)] })).toHaveLength(1);
  });

  it('allows one in a thousand in legacy mode, and none in stable mode', () => {
    const reads = Array.from({ length: 999 }, (_, index) => read(index)).concat(read(40_000));
    const found = verdict('I6', { tokens: superseded, reads });
    expect(found.violations).toEqual([]);
    expect(found.note).toBe('1 dead reads, 0.100 %; 1 are allowed');
    // Stable: the overlap is 12 s.
    expect(violations('I6', { terms: STABLE, tokens: superseded, reads })).toHaveLength(1);
  });

  describe('where another party caused the death', () => {
    const kills = [{ kind: 'token_killed', at: T0 + 5_000, tag: 'a' } as const];
    const reads = [read(12_000)];

    it('counts from a report that was taken', () => {
      expect(violations('I6', { kills, reads })).toEqual([]);
      const reports = [report(6_000, {})];
      expect(violations('I6', { kills, reads, reports })).toHaveLength(1);
    });

    it('does not count where the report could not be looked into', () => {
      const unverified = [report(6_000, { outcome: 'unverified' })];
      expect(violations('I6', { kills, reads, reports: unverified })).toEqual([]);
      const away = [report(6_000, { outcome: null, status: 503, code: 'database_unavailable' })];
      expect(violations('I6', { kills, reads, reports: away })).toEqual([]);
    });

    it('takes still_valid for an answer of before, but not for ever', () => {
      const soon = [report(6_000, { outcome: 'still_valid' })];
      expect(violations('I6', { kills, reads: [read(15_000)], reports: soon })).toEqual([]);
      const late = [report(8_500, { outcome: 'still_valid' })];
      expect(violations('I6', { kills, reads: [read(15_000)], reports: late })).toHaveLength(1);
    });

    it('does the same for a mint of theirs, as long as our own did not end it', () => {
      const foreign = [token('a', 0), token('f', 5_000, true)];
      expect(violations('I6', { tokens: foreign, reads: [read(40_000)] })).toEqual([]);
      const both = [...foreign, token('b', 6_000)];
      expect(violations('I6', { tokens: both, reads: [read(20_000)] })).toEqual([]);
      expect(violations('I6', { tokens: both, reads: [read(40_000)] })).toHaveLength(1);
    });
  });
});

describe('I7, the end', () => {
  it('finds what settled late or not at all', () => {
    const lastFaultAt = T0 + 60_000;
    const late = { lastFaultAt, settledAt: lastFaultAt + 60_001, problem: null };
    expect(violations('I7', { settled: late })).toEqual(['it took 60 s']);
    const never = { lastFaultAt, settledAt: null, problem: 'the row is still suspect' };
    expect(violations('I7', { settled: never })).toEqual(['the row is still suspect']);
  });
});

describe('I8, secrets', () => {
  it('finds one in an output, and does not repeat it', () => {
    const outputs = [{ name: 'the log of replica 1', text: 'key=canary-admin-key' }];
    expect(violations('I8', { outputs })).toEqual([
      'the log of replica 1 holds the admin key in clear',
    ]);
  });
});

describe('I9, waiting', () => {
  const waited = (changes: Partial<Read> = {}): Read =>
    read(5_000, { endedAt: T0 + 5_900, ...changes });

  it('finds a read that a later one overtook', () => {
    expect(violations('I9', { reads: [waited(), read(5_300)] })).toEqual([
      'a read at replica 0 waited 900 ms at 12:00:05.000: a later one was answered before it',
    ]);
  });

  it('takes one that was sent with another, and came to the process after it', () => {
    expect(violations('I9', { reads: [waited({ version: 2 }), read(5_005)] })).toEqual([]);
  });

  it('finds a read that waited for what had been served before', () => {
    expect(violations('I9', { reads: [read(1_000), waited()] })).toHaveLength(1);
  });

  it('takes a wait for another token, for a probe, and at a process that stood still', () => {
    expect(violations('I9', { reads: [read(1_000), waited({ version: 2 })] })).toEqual([]);
    const reads = [read(1_000), waited()];
    expect(violations('I9', { reads, journal: [probe(5_800, 'a', 0)] })).toEqual([]);
    expect(violations('I9', { reads, absences: [stopped(0, 4_000, 5_890)] })).toEqual([]);
  });

  it('takes a wait while a suspect row was claimed, and none long after it was given back', () => {
    const reads = [read(1_000), waited()];
    const claimed = { owner: 'replica', suspectAt: T0 + 3_000 };
    const released = row(5_500, { owner: null, suspectAt: T0 + 3_000 });
    expect(violations('I9', { reads, rows: [row(4_000, claimed), released] })).toEqual([]);
    const long = row(1_500, { owner: null, suspectAt: T0 + 500 });
    expect(violations('I9', { reads, rows: [row(1_000, claimed), long] })).toHaveLength(1);
    const well = row(4_000, { owner: 'replica', suspectAt: null });
    expect(violations('I9', { reads, rows: [well, released] })).toHaveLength(1);
  });

  it('takes a wait right after the clock of that process was shifted', () => {
    const detail = { kind: 'clock', at: 0, lastsMs: 1, replica: 0, shiftSeconds: 15 } as const;
    const fault = { kind: 'fault', fault: 'clock', at: T0 + 4_500, endedAt: T0 + 9_000 } as const;
    const span = (replica: number): FaultSpan => ({ ...fault, replica, detail });
    const reads = [read(1_000), waited()];
    expect(violations('I9', { reads, faults: [span(0)] })).toEqual([]);
    expect(violations('I9', { reads, faults: [span(1)] })).toHaveLength(1);
  });
});

describe('I10, the history', () => {
  const rows = [row(0, {}), row(1_000, { fence: 2, claimedAt: 1_000 })];

  it('finds a fetch without a row; a claim that came to no fetch needs none', () => {
    const calls = [call(10, 50), call(1_020, 1_080)];
    expect(violations('I10', { rows, calls })).toEqual(['the fetch under fence 2 has no row']);
    expect(violations('I10', { rows })).toEqual([]);
    expect(violations('I10', { rows, calls, history: [opened(1, 0), opened(2, 1_000)] })).toEqual(
      [],
    );
  });

  it('finds a row that nobody closed, though another claim came after it', () => {
    const open = opened(1, 0, null);
    expect(violations('I10', { rows, history: [open] })).toEqual([]);
    expect(violations('I10', { rows, history: [open, opened(2, 1_000)] })).toEqual([
      'the row of fence 1 was never closed',
    ]);
  });
});
