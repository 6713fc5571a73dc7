import { createHash } from 'node:crypto';
import type { FaultInput } from '../src/simulator/faults/fault.dto.js';
import type { JournalEntry } from '../src/simulator/journal/journal.dto.js';
import type { TokenView } from '../src/simulator/control/token.dto.js';
import { httpCall, numberOf } from './http-call.js';
import { ManagedProcess } from './managed-process.js';
import type { Mode, Terms } from './terms.js';

const START_LIMIT_MS = 20_000;
const CONTROL_LIMIT_MS = 5_000;
const USE_LIMIT_MS = 2_000;

/** As the simulator's journal names a token. */
export function tagOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 12);
}

export interface WechatOptions {
  readonly dist: string;
  readonly folder: string;
  readonly account: { readonly appId: string; readonly secret: string };
  readonly terms: Terms;
}

/** The simulator as a process of its own, spoken to over its control interface. */
export class SimulatedWechat {
  private constructor(
    readonly url: string,
    private readonly process: ManagedProcess,
    private readonly appId: string,
    private readonly mode: Mode,
  ) {}

  static async start({ dist, folder, account, terms }: WechatOptions): Promise<SimulatedWechat> {
    let announce: (url: string) => void = () => undefined;
    const announced = new Promise<string>((resolve) => {
      announce = resolve;
    });
    const process = new ManagedProcess({
      name: 'simulator',
      file: `${dist}/simulator/main.js`,
      cwd: folder,
      env: {
        SIMULATOR_PORT: '0',
        SIMULATOR_ACCOUNTS: `${account.appId}:${account.secret}`,
        SIMULATOR_LIFETIME_SECONDS: String(terms.lifetimeMs / 1_000),
        SIMULATOR_OVERLAP_SECONDS: String(terms.overlapMs / 1_000),
        SIMULATOR_STABLE_WINDOW_SECONDS: String(terms.windowMs / 1_000),
      },
      onLine: (line) => {
        const url = /(http:\/\/\S+)$/.exec(line)?.[1];
        if (url !== undefined) {
          announce(url);
        }
      },
    });
    const failed = process.end(START_LIMIT_MS).then(() => {
      throw new Error('the simulator did not start');
    });
    const url = await Promise.race([announced, failed]);
    failed.catch(() => undefined);
    return new SimulatedWechat(url, process, account.appId, terms.mode);
  }

  async stop(): Promise<void> {
    this.process.signal('SIGTERM');
    if (!(await this.process.end(5_000))) {
      this.process.signal('SIGKILL');
    }
  }

  /** An ordinary call with a token. @returns WeChat's errcode; null when there was no answer */
  async use(token: string): Promise<number | null> {
    const { body } = await httpCall({
      method: 'POST',
      url: `${this.url}/cgi-bin/message/custom/send?access_token=${token}`,
      body: { touser: 'o', msgtype: 'text', text: { content: 'hello' } },
      timeoutMs: USE_LIMIT_MS,
    });
    return numberOf(body.errcode);
  }

  /** @returns how to clear the fault */
  async fault(fault: FaultInput): Promise<() => Promise<void>> {
    const { id } = (await this.control('POST', '/faults', fault)) as { id: number };
    // One that has struck often enough is gone already: 404.
    return async () => {
      await httpCall({
        method: 'DELETE',
        url: `${this.url}/__simulator/faults/${id}`,
        timeoutMs: CONTROL_LIMIT_MS,
      });
    };
  }

  async clearFaults(path?: string): Promise<void> {
    await this.control('DELETE', path === undefined ? '/faults' : `/faults?path=${path}`);
  }

  /** Another party fetches (legacy) or forces (stable). */
  async mintAsForeigner(): Promise<void> {
    await this.control('POST', `/accounts/${this.appId}/mint`, { family: this.mode });
  }

  /** @returns the tag of the token that is dead now; undefined where there was none alive */
  async killNewest(stillHandedOut: boolean): Promise<string | undefined> {
    const newest = await this.newest();
    if (newest?.alive !== true) {
      return undefined;
    }
    await this.control('POST', '/tokens/kill', {
      access_token: newest.access_token,
      still_handed_out: stillHandedOut,
    });
    return newest.tag;
  }

  /** The one that was minted last, alive or not. */
  async newest(): Promise<TokenView | undefined> {
    const tokens = await this.tokens();
    return tokens.find((token) => token.newest);
  }

  async tokens(): Promise<TokenView[]> {
    const answer = await this.control('GET', `/accounts/${this.appId}/tokens`);
    return (answer as { tokens: TokenView[] }).tokens.filter(({ family }) => family === this.mode);
  }

  async journal(): Promise<JournalEntry[]> {
    const answer = await this.control('GET', '/journal?limit=10000000');
    return (answer as { entries: JournalEntry[] }).entries;
  }

  private async control(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Readonly<Record<string, unknown>>> {
    const answer = await httpCall({
      method,
      url: `${this.url}/__simulator${path}`,
      timeoutMs: CONTROL_LIMIT_MS,
      ...(body !== undefined && { body }),
    });
    if (answer.status < 200 || answer.status > 299) {
      const reason = answer.failure ?? JSON.stringify(answer.body);
      throw new Error(`the simulator refused ${method} ${path}: ${answer.status} ${reason}`);
    }
    return answer.body;
  }
}
