import { createConnection, type Socket } from 'node:net';
import type { Question } from './load.js';
import { AnswerReader } from './answer-reader.js';

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many were asked in fact: fewer than they should be where something else had the core of the load. */
  readonly perSecond: number;
}

export interface Pace {
  readonly seconds: number;
  readonly connections: number;
  readonly perSecond: number;
}

interface Connection {
  readonly socket: Socket;
  readonly answers: AnswerReader;
  /** From when on the request under way counts; undefined: none is. */
  sinceMs: number | undefined;
}

/** The load was not on its core meanwhile: what it should have sent then is left out, not sent all at once. */
const LATE_MS = 1;
const PATIENCE_MS = 30_000;

/**
 * A steady number of requests a second, evenly spaced, whether answers come or not. (autocannon's rate is
 * no pace: each connection sends its share of a second as fast as it goes, and rests for what remains.)
 *
 * A request counts from when it was due, also where all connections were still waiting for an answer:
 * so one slow answer counts for all that it held up. That the load itself was held up counts for nothing.
 */
export async function openLoop(question: Question, pace: Pace): Promise<Latency> {
  const load = await SteadyLoad.connect(question, pace);
  try {
    return summary(await load.run(), pace);
  } finally {
    load.close();
  }
}

class SteadyLoad {
  private readonly timesMs: number[] = [];
  /** Due, and without a free connection: from when on each counts. */
  private readonly heldUp: number[] = [];
  private readonly free: Connection[] = [];
  private sent = 0;
  private answered: () => void = () => undefined;
  private failed: (error: Error) => void = () => undefined;

  static async connect(question: Question, pace: Pace): Promise<SteadyLoad> {
    const { hostname, port } = new URL(question.process.url);
    const sockets = Array.from({ length: pace.connections }, () =>
      createConnection({ host: hostname, port: Number(port), noDelay: true }),
    );
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            socket.once('connect', resolve).once('error', reject);
          }),
      ),
    );
    return new SteadyLoad(sockets, requestsOf(question), question, pace);
  }

  private constructor(
    private readonly sockets: readonly Socket[],
    private readonly requests: readonly Buffer[],
    question: Question,
    private readonly pace: Pace,
  ) {
    for (const socket of sockets) {
      this.adopt(socket, question);
    }
  }

  /** @returns how long each answer took, in milliseconds */
  async run(): Promise<readonly number[]> {
    const broken = new Promise<never>((_resolve, reject) => {
      this.failed = reject;
    });
    await Promise.race([this.send(), broken]);
    const all = new Promise<void>((resolve) => {
      this.answered = resolve;
    });
    const limit = setTimeout(() => {
      this.failed(new Error(`${this.sent - this.timesMs.length} answers are missing`));
    }, PATIENCE_MS);
    if (this.timesMs.length < this.sent) {
      await Promise.race([all, broken]).finally(() => {
        clearTimeout(limit);
      });
    }
    clearTimeout(limit);
    return this.timesMs;
  }

  close(): void {
    for (const socket of this.sockets) {
      socket.removeAllListeners().destroy();
    }
  }

  /** Looks at the clock all the time: timers count whole milliseconds, in which some thirty are due at once. */
  private send(): Promise<void> {
    const intervalMs = 1_000 / this.pace.perSecond;
    const endMs = performance.now() + this.pace.seconds * 1_000;
    let dueMs = performance.now();
    return new Promise((resolve) => {
      const look = (): void => {
        const nowMs = performance.now();
        dueMs = nowMs - dueMs > LATE_MS ? nowMs : dueMs;
        for (; dueMs <= nowMs; dueMs += intervalMs) {
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
    this.sent += 1;
    const connection = this.free.shift();
    if (connection === undefined) {
      this.heldUp.push(nowMs);
    } else {
      this.write(connection, nowMs);
    }
  }

  private write(connection: Connection, sinceMs: number): void {
    connection.sinceMs = sinceMs;
    connection.socket.write(this.requests[this.sent % this.requests.length] ?? '');
  }

  private adopt(socket: Socket, { process, status }: Question): void {
    const connection: Connection = {
      socket,
      answers: new AnswerReader(status),
      sinceMs: undefined,
    };
    this.free.push(connection);
    const fail = (why: string): void => {
      this.failed(new Error(`${process.name}: ${why}`));
    };
    socket.on('error', (error) => {
      fail(error.message);
    });
    socket.on('close', () => {
      fail('a connection was closed');
    });
    socket.on('data', (chunk: Buffer) => {
      const problem = connection.answers.read(chunk);
      if (problem !== undefined) {
        fail(problem);
      } else if (connection.answers.isWhole) {
        this.finish(connection);
      }
    });
  }

  private finish(connection: Connection): void {
    this.timesMs.push(performance.now() - (connection.sinceMs ?? NaN));
    const next = this.heldUp.shift();
    if (next === undefined) {
      connection.sinceMs = undefined;
      this.free.push(connection);
    } else {
      this.write(connection, next);
    }
    if (this.timesMs.length === this.sent) {
      this.answered();
    }
  }
}

function requestsOf({ process, paths, headers, headersInTurn }: Question): Buffer[] {
  const { host } = new URL(process.url);
  const all = headersInTurn ?? paths.map(() => headers);
  return all.map((each, index) => {
    const path = paths[index % paths.length] ?? '/';
    const lines = Object.entries({ host, ...each }).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  });
}

function summary(timesMs: readonly number[], { seconds }: Pace): Latency {
  const sorted = Float64Array.from(timesMs).sort();
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), perSecond: timesMs.length / seconds };
}
