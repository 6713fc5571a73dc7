import { type Connection, Connections } from './connections.js';
import type { Question } from './question.js';

/** The load was not on its core meanwhile: what it should have sent then is left out, not sent all at once. */
const LATE_MS = 1;

/**
 * A steady number of requests a second, evenly spaced, whether answers come or not.
 *
 * A request counts from when it was due, also where all connections were still waiting for an answer:
 * so one slow answer counts for all that it held up. That the load itself was held up counts for nothing.
 */
export class SteadyLoad {
  private readonly free: Connection[];
  /** From when on the request under way counts. */
  private readonly sinceMs = new Map<Connection, number>();
  /** Due, and without a free connection: from when on each counts. */
  private readonly heldUp: number[] = [];
  private timesMs: number[] = [];

  static async connect(
    question: Question,
    pace: { connections: number; perSecond: number },
  ): Promise<SteadyLoad> {
    const connections = await Connections.connect(question, pace.connections);
    return new SteadyLoad(connections, 1_000 / pace.perSecond);
  }

  private constructor(
    private readonly connections: Connections,
    private readonly intervalMs: number,
  ) {
    this.free = [...connections.all];
    connections.onAnswer = (connection) => {
      this.finish(connection);
    };
  }

  /** @returns how long each answer took, in milliseconds. @throws Error when one was not as it should be */
  async askFor(ms: number): Promise<readonly number[]> {
    this.timesMs = [];
    await this.connections.drained(this.send(ms));
    return this.timesMs;
  }

  close(): void {
    this.connections.close();
  }

  /** Looks at the clock all the time: timers count whole milliseconds, in which some thirty are due at once. */
  private send(ms: number): Promise<void> {
    let dueMs = performance.now();
    const endMs = dueMs + ms;
    return new Promise((resolve) => {
      const look = (): void => {
        const nowMs = performance.now();
        dueMs = nowMs - dueMs > LATE_MS ? nowMs : dueMs;
        for (; dueMs <= nowMs; dueMs += this.intervalMs) {
          this.ask(nowMs);
        }
        if (nowMs < endMs) {
          setImmediate(look);
        } else {
          resolve();
        }
      };
      look();
    });
  }

  private ask(nowMs: number): void {
    const connection = this.free.shift();
    if (connection === undefined) {
      this.heldUp.push(nowMs);
    } else {
      this.write(connection, nowMs);
    }
  }

  private write(connection: Connection, sinceMs: number): void {
    this.sinceMs.set(connection, sinceMs);
    this.connections.ask(connection);
  }

  private finish(connection: Connection): void {
    this.timesMs.push(performance.now() - (this.sinceMs.get(connection) ?? NaN));
    const next = this.heldUp.shift();
    if (next === undefined) {
      this.free.push(connection);
    } else {
      this.write(connection, next);
    }
  }
}
