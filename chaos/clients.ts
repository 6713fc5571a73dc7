import { setTimeout as delay } from 'node:timers/promises';
import { now } from './now.js';
import type { Recorder } from './recorder.js';
import type { Replica } from './replica.js';
import { SeededRandom } from './seeded-random.js';
import { tagOf, type SimulatedWechat } from './simulated-wechat.js';

const THINK_MS = { least: 30, most: 70 };
const READ = { waitSeconds: 1, timeoutMs: 2_000 };
const REPORT_TIMEOUT_MS = 4_000;
/** After a token that WeChat refused: nobody hammers. */
const PAUSE_MS = 100;
const DEAD = new Set([40001, 40014, 42001]);

export interface ClientCluster {
  readonly replicas: readonly Replica[];
  readonly wechat: SimulatedWechat;
  readonly recorder: Recorder;
}

/**
 * Business servers: each reads from any replica, uses the token at WeChat at once, and reports it when
 * WeChat refuses it. They keep no token, since a token that was just read is the strictest test.
 */
export class Clients {
  private readonly stopping = new AbortController();
  private loops: Promise<void>[] = [];

  constructor(private readonly cluster: ClientCluster) {}

  start(count: number, seed: number): void {
    this.loops = Array.from({ length: count }, (_, index) =>
      this.repeat(new SeededRandom(seed * 1_000 + index)),
    );
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
  }

  private async repeat(random: SeededRandom): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.once(random);
      const thinkMs = random.between(THINK_MS.least, THINK_MS.most);
      await delay(thinkMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async once(random: SeededRandom): Promise<void> {
    const replica = this.choose(random);
    if (replica === undefined) {
      return;
    }
    const token = await replica.read(READ.waitSeconds, READ.timeoutMs);
    if (token === null) {
      return;
    }
    const at = now();
    const errcode = await this.cluster.wechat.use(token);
    this.cluster.recorder.add({ kind: 'use', at, tag: tagOf(token), errcode });
    if (errcode !== null && DEAD.has(errcode)) {
      // A load balancer sends the report wherever it likes.
      const other = random.between(0, 1) === 0 ? replica : this.choose(random);
      await other?.report(token, errcode, REPORT_TIMEOUT_MS);
      await delay(PAUSE_MS);
    }
  }

  private choose(random: SeededRandom): Replica | undefined {
    const candidates = this.cluster.replicas.filter(({ inRotation }) => inRotation);
    return candidates.length === 0 ? undefined : random.pick(candidates);
  }
}
