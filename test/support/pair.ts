import type { Environment } from '../../src/config/environment.js';
import { APP_ID, APP_SECRET, startService, type Service } from './service.js';
import {
  startSimulator,
  type JournalEntry,
  type Simulator,
  type SimulatorOptions,
} from './simulator.js';

export type Mode = 'legacy' | 'stable';

export const FETCH_PATH: Readonly<Record<Mode, string>> = {
  legacy: '/cgi-bin/token',
  stable: '/cgi-bin/stable_token',
};
export const PROBE_PATH = '/cgi-bin/getcallbackip';

interface PairOptions {
  readonly mode?: Mode;
  readonly environment?: Environment;
  readonly simulator?: SimulatorOptions;
  /** Called before the service starts, to prepare faults. */
  readonly before?: (wechat: Simulator) => Promise<unknown>;
}

/** A WeChat and a service with one account on it. */
export class Pair {
  constructor(
    readonly wechat: Simulator,
    readonly service: Service,
    readonly mode: Mode,
  ) {}

  static async start(options: PairOptions = {}): Promise<Pair> {
    const mode = options.mode ?? 'stable';
    const wechat = await startSimulator({
      accounts: [{ appId: APP_ID, secret: APP_SECRET }],
      ...options.simulator,
    });
    await options.before?.(wechat);
    const service = await startService(wechat, {
      WECHAT_TOKEN_MODE: mode,
      ...options.environment,
    });
    await service.ready();
    return new Pair(wechat, service, mode);
  }

  /** Time passes for WeChat, the service and the database alike; then what is due is done. */
  async later(seconds: number): Promise<void> {
    await this.pass(seconds);
    await this.service.tick();
  }

  /** Time passes and the rows are read, but what is due is not done yet. */
  async pass(seconds: number): Promise<void> {
    await this.wechat.advance(seconds * 1_000);
    this.service.advance(seconds * 1_000);
    await this.service.poll();
  }

  fetches(): Promise<JournalEntry[]> {
    return this.wechat.journal({ path: FETCH_PATH[this.mode], foreign: false });
  }

  async fetchCount(): Promise<number> {
    return (await this.fetches()).length;
  }

  probeCount(): Promise<number> {
    return this.wechat.countCalls({ path: PROBE_PATH });
  }

  /** The token that is served now. */
  async token(): Promise<string> {
    const answer = await this.service.read('?wait=0');
    if (answer.status !== 200) {
      throw new Error(`no token: ${JSON.stringify(answer.body)}`);
    }
    return answer.body.access_token;
  }

  /** Whether WeChat accepts a token for an ordinary call. */
  async accepts(token: string): Promise<boolean> {
    const url = `${this.wechat.url}/cgi-bin/message/custom/send?access_token=${token}`;
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify({ touser: 'o', msgtype: 'text', text: { content: 'hello' } }),
    });
    return ((await response.json()) as { errcode: number }).errcode === 0;
  }

  async close(): Promise<void> {
    await this.service.close();
    await this.wechat.close();
  }
}

/** Seconds from the last attempt to the next, as the admin sees them. */
export function pauseSeconds(state: Record<string, unknown>): number {
  return (at(state.next_refresh_at) - at(state.last_attempt_at)) / 1_000;
}

function at(time: unknown): number {
  if (typeof time !== 'string') {
    throw new TypeError(`not a time: ${String(time)}`);
  }
  return Date.parse(time);
}
