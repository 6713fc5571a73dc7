import { ConsoleLogger, Logger } from '@nestjs/common';
import type {
  AccountInput,
  AccountPatch,
  AccountView,
} from '../../src/simulator/control/account.dto.js';
import type { ClockView, StateView } from '../../src/simulator/control/control-state.controller.js';
import type { Fault as FaultOnTheWire, FaultInput } from '../../src/simulator/faults/fault.dto.js';
import type {
  JournalEntry as JournalEntryOnTheWire,
  JournalFilter as JournalFilterOnTheWire,
  JournalView,
} from '../../src/simulator/journal/journal.dto.js';
import type { Settings, SettingsPatch } from '../../src/simulator/control/settings.dto.js';
import { startSimulator as startInProcess } from '../../src/simulator/start-simulator.js';
import type { TicketView, TokenView } from '../../src/simulator/control/token.dto.js';

/** Names of the wire in camel case. A key that is a path, as those of `quotas` are, stays as it is. */
type CamelCase<Name extends string> = Name extends `/${string}`
  ? Name
  : Name extends `${infer Head}_${infer Tail}`
    ? `${Head}${Capitalize<CamelCase<Tail>>}`
    : Name;

type CamelKeys<T> = T extends readonly (infer Item)[]
  ? CamelKeys<Item>[]
  : T extends object
    ? { [Key in keyof T as CamelCase<Key & string>]: CamelKeys<T[Key]> }
    : T;

export type Account = CamelKeys<AccountView>;
export type NewAccount = CamelKeys<AccountInput>;
export type AccountChange = CamelKeys<AccountPatch>;
export type Fault = CamelKeys<FaultOnTheWire>;
export type NewFault = CamelKeys<FaultInput>;
export type JournalEntry = CamelKeys<JournalEntryOnTheWire>;
export type JournalFilter = CamelKeys<JournalFilterOnTheWire>;
export type SimulatorSettings = CamelKeys<Settings>;
export type SettingsChange = CamelKeys<SettingsPatch>;
export type SimulatorState = CamelKeys<StateView>;
export type Token = CamelKeys<TokenView>;
export type Ticket = CamelKeys<TicketView>;
export type TokenFamily = Token['family'];

// Nest has one logger for the process, and would print each module and route of every simulator. A service
// that starts later brings its own, which replaces this.
Logger.overrideLogger(new ConsoleLogger({ logLevels: ['warn', 'error', 'fatal'] }));

/** Settings, and what else a simulator may start with; the port is free unless named. */
export type SimulatorOptions = SettingsChange & { accounts?: NewAccount[]; port?: number };

/** A simulator in this process, for one test file: `await wechat.close()` when it is done. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { accounts = [], port = 0, ...settings } = options;
  const running = await startInProcess({
    port,
    accounts: accounts.map((account) => snakeKeys<AccountInput>(account)),
    settings: snakeKeys<SettingsPatch>(settings),
  });
  return new Simulator(running.url, running.close);
}

/** One that runs in another process, started with `node dist/simulator/main.js`. */
export function connectSimulator(url: string): Simulator {
  return new Simulator(url, () => Promise.resolve());
}

/** The control interface refused: `problem` is its answer. */
export class ControlError extends Error {
  override readonly name = 'ControlError';

  constructor(
    readonly status: number,
    readonly problem: string,
  ) {
    super(`${status}: ${problem}`);
  }
}

const ALL_ENTRIES = 10_000_000;

/**
 * A test's hand on a simulator. It speaks HTTP to the control interface and knows nothing else; names are
 * those of docs/simulator.md in camel case, durations are in the unit that their name says.
 */
export class Simulator {
  constructor(
    /** Such as `http://127.0.0.1:3001`, without a slash at its end: WeChat's base URL. */
    readonly url: string,
    private readonly stop: () => Promise<void>,
  ) {}

  close(): Promise<void> {
    return this.stop();
  }

  addAccount(account: NewAccount): Promise<Account> {
    return this.call<AccountView>('POST', '/accounts', account);
  }

  alterAccount(appId: string, change: AccountChange): Promise<Account> {
    return this.call<AccountView>('PATCH', `/accounts/${appId}`, change);
  }

  async removeAccount(appId: string): Promise<void> {
    await this.call('DELETE', `/accounts/${appId}`);
  }

  account(appId: string): Promise<Account> {
    return this.call<AccountView>('GET', `/accounts/${appId}`);
  }

  async accounts(): Promise<Account[]> {
    return (await this.call<{ accounts: AccountView[] }>('GET', '/accounts')).accounts;
  }

  settings(): Promise<SimulatorSettings> {
    return this.call<Settings>('GET', '/settings');
  }

  changeSettings(change: SettingsChange): Promise<SimulatorSettings> {
    return this.call<Settings>('PATCH', '/settings', change);
  }

  fault(fault: NewFault): Promise<Fault> {
    return this.call<FaultOnTheWire>('POST', '/faults', fault);
  }

  /** Those that still wait for calls. */
  async faults(): Promise<Fault[]> {
    return (await this.call<{ faults: FaultOnTheWire[] }>('GET', '/faults')).faults;
  }

  async clearFaults(path?: string): Promise<void> {
    await this.call('DELETE', withQuery('/faults', { path }));
  }

  async clearFault(id: number): Promise<void> {
    await this.call('DELETE', `/faults/${id}`);
  }

  /** Another party fetches (legacy) or forces (stable): it always mints, and spends no quota. */
  mintAsForeigner(appId: string, family: TokenFamily = 'legacy'): Promise<Token> {
    return this.call<TokenView>('POST', `/accounts/${appId}/mint`, { family });
  }

  /** `stillHandedOut`: an unforced stable call goes on returning it, dead as it is. */
  killToken(
    accessToken: string,
    death: { errcode?: 40001 | 40014 | 42001; stillHandedOut?: boolean } = {},
  ): Promise<Token> {
    return this.call<TokenView>('POST', '/tokens/kill', { accessToken, ...death });
  }

  /** Legacy ones first, each family oldest first; the dead among them, unless `alive` says otherwise. */
  async tokens(appId: string, filter: { alive?: boolean } = {}): Promise<Token[]> {
    return (await this.credentials(appId, filter)).tokens;
  }

  /** The one that WeChat minted last, which may be dead; undefined where it minted none. */
  async newestToken(appId: string, family: TokenFamily = 'legacy'): Promise<Token | undefined> {
    const tokens = await this.tokens(appId);
    return tokens.find((token) => token.newest && token.family === family);
  }

  async tickets(appId: string): Promise<Ticket[]> {
    return (await this.credentials(appId, {})).tickets;
  }

  /** Moves WeChat's clock; the service's own is not touched. */
  async advance(ms: number): Promise<void> {
    await this.call<ClockView>('POST', '/clock', { advanceMs: ms });
  }

  /** WeChat's time. */
  async now(): Promise<Date> {
    return new Date((await this.call<ClockView>('GET', '/clock')).now);
  }

  /** Every call that fits, oldest first. */
  async journal(filter: JournalFilter = {}): Promise<JournalEntry[]> {
    return (await this.readJournal({ ...filter, limit: ALL_ENTRIES })).entries;
  }

  async countCalls(filter: JournalFilter = {}): Promise<number> {
    return (await this.readJournal({ ...filter, limit: 0 })).count;
  }

  /** Waits until so many calls fit, a call under way among them. @throws after `waitMs`. */
  async untilCalls(
    filter: JournalFilter = {},
    atLeast = 1,
    waitMs = 10_000,
  ): Promise<JournalEntry[]> {
    const query = { ...filter, limit: ALL_ENTRIES, atLeast, waitMs };
    const { entries, count } = await this.readJournal(query);
    if (count < atLeast) {
      const wanted = JSON.stringify(filter);
      throw new Error(`${count} of ${atLeast} calls came within ${waitMs} ms: ${wanted}`);
    }
    return entries;
  }

  /** For `since`: what comes later has a greater one. */
  async lastSeq(): Promise<number> {
    return (await this.readJournal({ limit: 0 })).lastSeq;
  }

  async clearJournal(): Promise<void> {
    await this.call('DELETE', '/journal');
  }

  state(): Promise<SimulatorState> {
    return this.call<StateView>('GET', '/state');
  }

  /** Accounts, settings and clock as at the start; no fault, an empty journal. */
  reset(): Promise<SimulatorState> {
    return this.call<StateView>('POST', '/reset');
  }

  private credentials(
    appId: string,
    filter: { alive?: boolean },
  ): Promise<{ tokens: Token[]; tickets: Ticket[] }> {
    const path = withQuery(`/accounts/${appId}/tokens`, filter);
    return this.call<{ tokens: TokenView[]; tickets: TicketView[] }>('GET', path);
  }

  private readJournal(
    query: JournalFilter & { limit: number; atLeast?: number; waitMs?: number },
  ): Promise<CamelKeys<JournalView>> {
    return this.call<JournalView>('GET', withQuery('/journal', query));
  }

  private async call<Answer>(
    method: string,
    path: string,
    body?: object,
  ): Promise<CamelKeys<Answer>> {
    const response = await fetch(`${this.url}/__simulator${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(snakeKeys<unknown>(body)) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new ControlError(response.status, text);
    }
    return camelKeys<Answer>(text === '' ? {} : JSON.parse(text));
  }
}

/** Two calls overlapped if each started before the other ended. */
export function overlap(a: JournalEntry, b: JournalEntry): boolean {
  const endOf = (entry: JournalEntry): number => entry.endOrder ?? Infinity;
  return a.startOrder < endOf(b) && b.startOrder < endOf(a);
}

function withQuery(path: string, fields: object): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(
    Object.fromEntries(given.map(([name, value]) => [snakeCase(name), String(value)])),
  );
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function camelKeys<Wire>(value: unknown): CamelKeys<Wire> {
  return renameKeys(value, camelCase) as CamelKeys<Wire>;
}

function snakeKeys<Wire>(value: CamelKeys<Wire>): Wire {
  return renameKeys(value, snakeCase) as Wire;
}

function renameKeys(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => renameKeys(item, rename));
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [
        // A path or the name of a header stays as it is.
        /^\/|-/.test(name) ? name : rename(name),
        renameKeys(field, rename),
      ]),
  );
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
