import { describe, expect, it } from '@jest/globals';
import { isSequence, planFaults, type PlanInput, type PlannedFault } from './plan.js';
import { termsFor, type DatabaseKind, type Mode } from './terms.js';

function plan(
  seed: number,
  changes: Partial<PlanInput> & { mode?: Mode; database?: DatabaseKind } = {},
): PlannedFault[] {
  const { mode = 'legacy', database = 'postgres', ...rest } = changes;
  const terms = termsFor({ mode, database, replicas: 3 });
  return planFaults({ seed, faultMs: 60_000, terms, clockReplica: 1, ...rest });
}

describe('the plan of faults', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  it('begins calmly, ends in time, and is in order', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const faults = plan(seed);
      expect(faults.length).toBeGreaterThan(20);
      expect(Math.min(...faults.map(({ at }) => at))).toBeGreaterThanOrEqual(2_000);
      expect(Math.max(...faults.map(({ at, lastsMs }) => at + lastsMs))).toBeLessThanOrEqual(
        60_000,
      );
      expect(faults.map(({ at }) => at)).toEqual(faults.map(({ at }) => at).sort((a, b) => a - b));
    }
  });

  it('knows every kind of fault, each where it can be carried out', () => {
    const kinds = (database: DatabaseKind, clockReplica?: number): Set<string> =>
      new Set(
        Array.from({ length: 60 }, (_, seed) => plan(seed, { database, clockReplica })).flatMap(
          (faults) => faults.map(({ kind }) => kind),
        ),
      );
    const everywhere = [
      'admin_refresh',
      'contention',
      'foreign_mint',
      'holder_cut',
      'holder_killed',
      'holder_stopped',
      'killed',
      'lost_answers',
      'rolling_restart',
      'stopped',
      'wechat_answer',
      'wechat_away',
      'wechat_link',
    ];
    const onFile = ['burst', 'database_locked', 'token_killed'];
    const onServer = ['clock', 'cut_off', 'database_link'];
    expect([...kinds('sqlite')].sort()).toEqual([...everywhere, ...onFile].sort());
    expect([...kinds('postgres', 0)].sort()).toEqual([...everywhere, ...onServer].sort());
  });

  it('has every sequence within 60 s of legacy mode', () => {
    const sequences = ['contention', 'cut_off', 'foreign_mint', 'holder_cut', 'holder_killed'];
    const all = [...sequences, 'holder_stopped', 'lost_answers', 'wechat_away'];
    for (let seed = 1; seed <= 50; seed += 1) {
      const kinds = new Set(plan(seed).map(({ kind }) => kind as string));
      expect(all.filter((kind) => !kinds.has(kind))).toEqual([]);
    }
  });

  it('lets sequences follow one another, and nothing else waits', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      for (const database of ['sqlite', 'postgres'] as const) {
        const sequences = plan(seed, { database }).filter(isSequence);
        const ends = [0, ...sequences.map(({ at, lastsMs }) => at + lastsMs)];
        expect(sequences.filter(({ at }, index) => at < (ends[index] ?? 0))).toEqual([]);
        expect(sequences.length).toBeGreaterThanOrEqual(8);
      }
    }
  });

  it('spares what needs a guard most: nothing harsh meets it', () => {
    const delicate = ['lost_answers', 'holder_cut'];
    const harsh = ['killed', 'wechat_link', 'database_locked', 'admin_refresh'];
    for (let seed = 1; seed <= 50; seed += 1) {
      for (const database of ['sqlite', 'postgres'] as const) {
        const faults = plan(seed, { database });
        const spared = faults.filter(({ kind }) => delicate.includes(kind));
        const met = faults.filter(
          ({ kind, at, lastsMs }) =>
            harsh.includes(kind) &&
            spared.some((fault) => at < fault.at + fault.lastsMs && at + lastsMs > fault.at),
        );
        expect(met).toEqual([]);
      }
    }
  });

  it('fits into a short run', () => {
    const faults = plan(1, { faultMs: 20_000 });
    expect(faults.length).toBeGreaterThan(5);
    expect(Math.max(...faults.map(({ at, lastsMs }) => at + lastsMs))).toBeLessThanOrEqual(20_000);
  });
});

describe('the terms', () => {
  it('leave time to take over from a holder that died', () => {
    const terms = termsFor({ mode: 'legacy', database: 'sqlite', replicas: 3 });
    expect(terms).toMatchObject({
      scale: 0.08,
      lifetimeMs: 96_000,
      overlapMs: 24_000,
      servedInDoubtMs: 21_600,
      leaseMs: 5_400,
      callMs: 1_200,
      floorMs: 400,
      quietMs: 1_600,
      deadGraceMs: 5_000,
    });
    // lease + poll + call + commit + poll + what clients cache, of 240 s × scale
    expect(5_400 + 2_000 + 1_200 + 3_000 + 2_000 + 4_800).toBeLessThanOrEqual(19_200);
  });
});
