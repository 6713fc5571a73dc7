import type { Evidence, Token } from './evidence.js';
import type { Report } from './record.js';

/** A probe's answer is shared for so long, so a report that comes sooner may be told `still_valid`. */
const PROBE_SHARED_MS = 2_000;

/**
 * From when on each token counts as dead for whoever hands it out, by tag; Infinity: not in this run.
 *
 * A token that died by its own end, or by our own mints, counts from its death. One that died by a mint
 * or a kill of somebody else counts from its first report that was taken, since nobody could know before.
 */
export function deathsByTag(evidence: Evidence): Map<string, number> {
  const { tokens, terms } = evidence;
  const ours = tokens.filter(({ foreign }) => !foreign);
  return new Map(
    tokens.map((token) => {
      const byUsAt = supersededAt(token, ours, terms.overlapMs);
      const killedAt = evidence.kills.find(({ tag }) => tag === token.tag)?.at ?? Infinity;
      const diedAt = Math.min(supersededAt(token, tokens, terms.overlapMs), killedAt);
      const knownAt = Math.max(diedAt, reportedAt(evidence, token.tag, diedAt));
      return [token.tag, Math.min(byUsAt, knownAt)];
    }),
  );
}

/**
 * The end of its life, the overlap after the first of the later mints, or the second of them: WeChat's
 * words leave open whether the overlap covers more than the one before, and the simulator takes the worst.
 */
function supersededAt(token: Token, mints: readonly Token[], overlapMs: number): number {
  const [first, second] = mints
    .map(({ mintedAt }) => mintedAt)
    .filter((mintedAt) => mintedAt > token.mintedAt)
    .sort((a, b) => a - b);
  return Math.min(
    token.expiresAt,
    first === undefined ? Infinity : first + overlapMs,
    second ?? Infinity,
  );
}

/** When the death was known to the service; Infinity: never. */
function reportedAt({ reports, terms }: Evidence, tag: string, diedAt: number): number {
  const surelyProbedAt = diedAt + PROBE_SHARED_MS + terms.callMs;
  const taken = reports.filter(
    (report) => report.tag === tag && report.at >= diedAt && wasTaken(report, surelyProbedAt),
  );
  return Math.min(Infinity, ...taken.map(({ endedAt }) => endedAt));
}

/** `unverified` and `database_unavailable` say that the death could not be looked into. */
function wasTaken({ outcome, code, at }: Report, surelyProbedAt: number): boolean {
  return (
    outcome === 'refreshed' ||
    outcome === 'superseded' ||
    code === 'token_unavailable' ||
    (outcome === 'still_valid' && at >= surelyProbedAt)
  );
}
