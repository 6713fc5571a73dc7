import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Clients } from './clients.js';
import type { Evidence, HistoryRow, NamedText, Settled, Token } from './evidence.js';
import { Nemesis } from './nemesis.js';
import { now } from './now.js';
import type { Options } from './options.js';
import type { PlannedFault } from './plan.js';
import { Recorder } from './recorder.js';
import { RowWatch } from './row-watch.js';
import { tagOf } from './simulated-wechat.js';
import type { Terms } from './terms.js';
import { Cluster } from './cluster.js';

const CLIENTS = 6;
const FIRST_TOKEN_LIMIT_MS = 20_000;
const LOOK_MS = 250;
/** What is settled has stayed so for this long. */
const STEADY_MS = 5_000;
const READ_TIMEOUT_MS = 2_000;
/** A rotation is everywhere within a poll. */
const POLL_MS = 2_000;
const TABLES = [
  'wtc_account',
  'wtc_credential',
  'wtc_key_check',
  'wtc_ip_list',
  'wtc_refresh_history',
  'wtc_audit',
];

export interface RunOptions {
  readonly options: Options;
  readonly terms: Terms;
  readonly plan: readonly PlannedFault[];
  readonly dist: string;
  readonly folder: string;
  readonly onCleanUp: (step: () => Promise<void>) => void;
  readonly tell: (text: string) => void;
}

/** One run: starts everything, lets the faults strike under load, waits until all is settled. */
export async function runChaos(run: RunOptions): Promise<Evidence> {
  const { options, terms, plan, tell } = run;
  const recorder = new Recorder(join(run.folder, 'record.jsonl'));
  const cluster = await Cluster.start({ ...run, recorder });
  const rows = new RowWatch(cluster.database, recorder);
  rows.start();
  run.onCleanUp(() => rows.stop());
  await cluster.startReplicas();
  await untilFirstToken(cluster);
  tell(`${options.replicas} replicas serve the first token; ${plan.length} faults follow`);

  const clients = new Clients({ replicas: cluster.replicas, wechat: cluster.wechat, recorder });
  run.onCleanUp(() => clients.stop());
  clients.start(CLIENTS, options.seed);
  const nemesis = new Nemesis({ ...cluster.parts, recorder, terms });
  await nemesis.run(plan);
  const lastFaultAt = now();
  tell('the faults are over');
  await cluster.wechat.clearFaults();

  const settled = await untilSettled(cluster, rows, { terms, lastFaultAt });
  await clients.stop();
  await rows.stop();
  const evidence = await collect(cluster, recorder, { terms, settled });
  await recorder.close();
  return evidence;
}

async function untilFirstToken(cluster: Cluster): Promise<void> {
  const deadline = now() + FIRST_TOKEN_LIMIT_MS;
  for (const replica of cluster.replicas) {
    while ((await replica.read(1, READ_TIMEOUT_MS)) === null) {
      if (now() > deadline) {
        throw new Error(`replica ${replica.index} has no first token:\n${replica.output}`);
      }
      await delay(LOOK_MS);
    }
  }
}

async function untilSettled(
  cluster: Cluster,
  rows: RowWatch,
  { terms, lastFaultAt }: { terms: Terms; lastFaultAt: number },
): Promise<Settled> {
  let steadySince: number | null = null;
  let problem: string | null = null;
  while (now() < lastFaultAt + terms.settleMs + STEADY_MS) {
    const lookedAt = now();
    problem = await whatIsUnsettled(cluster, rows, terms);
    steadySince = problem === null ? (steadySince ?? lookedAt) : null;
    if (steadySince !== null && now() - steadySince >= STEADY_MS) {
      return { lastFaultAt, settledAt: steadySince, problem: null };
    }
    await delay(LOOK_MS);
  }
  return { lastFaultAt, settledAt: steadySince, problem };
}

async function whatIsUnsettled(
  cluster: Cluster,
  { row }: RowWatch,
  { mode }: Terms,
): Promise<string | null> {
  const newest = await cluster.wechat.newest();
  if (newest === undefined) {
    return 'WeChat has minted no token';
  }
  const isFresh = now() - Date.parse(newest.minted_at) < POLL_MS;
  for (const replica of cluster.replicas) {
    const token = await replica.read(1, READ_TIMEOUT_MS);
    if (token === null) {
      return `replica ${replica.index} serves no token`;
    }
    if (tagOf(token) !== newest.tag && !isFresh) {
      return `replica ${replica.index} does not serve WeChat's newest token`;
    }
  }
  if (mode === 'legacy' && row !== undefined && row.suspectAt !== null) {
    return 'the row is still suspect';
  }
  return row !== undefined && row.deadAt !== null ? 'the row is still dead' : null;
}

async function collect(
  cluster: Cluster,
  recorder: Recorder,
  { terms, settled }: { terms: Terms; settled: Settled },
): Promise<Evidence> {
  const { wechat, database, replicas } = cluster;
  const [journal, minted] = [await wechat.journal(), await wechat.tokens()];
  const tokens = minted.map((token): Token => ({
    tag: token.tag,
    foreign: token.foreign,
    mintedAt: Date.parse(token.minted_at),
    expiresAt: Date.parse(token.expires_at),
  }));
  const outputs: NamedText[] = [
    ...replicas.map(({ index, output }) => ({ name: `the log of replica ${index}`, text: output })),
    { name: 'the database', text: await database.contents(TABLES) },
  ];
  const secrets = [
    ...cluster.parts.secrets,
    ...minted.map(({ tag, access_token: text }) => ({ name: `the token ${tag}`, text })),
  ];
  const history = await readHistory(cluster);
  recorder.attach('history', history);
  recorder.attach('tokens', tokens);
  recorder.attach('settled', settled);
  recorder.attach(
    'journal',
    journal.filter(({ path }) => !path.startsWith('/cgi-bin/message/')),
  );
  return {
    terms,
    settled,
    journal,
    tokens,
    outputs,
    secrets,
    history,
    reads: recorder.of('read'),
    reports: recorder.of('report'),
    adminRefreshes: recorder.of('admin_refresh'),
    calls: recorder.of('call'),
    faults: recorder.of('fault'),
    absences: recorder.of('absence'),
    kills: recorder.of('token_killed'),
    rows: recorder.of('row'),
    logs: recorder.of('log'),
  };
}

async function readHistory({ database }: Cluster): Promise<HistoryRow[]> {
  const rows = await database.table('wtc_refresh_history');
  return rows
    .filter(({ kind }) => kind === 'access_token')
    .map((row) => ({
      fence: Number(row.fence),
      startedAt: Number(row.started_at),
      outcome: typeof row.outcome === 'string' ? row.outcome : null,
    }));
}
