import { createConnection, type Socket } from 'node:net';
import { AnswerReader } from './answer-reader.js';
import { requestsOf, type Question } from './question.js';

export interface Connection {
  readonly socket: Socket;
  readonly answers: AnswerReader;
}

/** A read is answered in a fraction of a millisecond; whatever takes this long has no answer. */
const PATIENCE_MS = 30_000;

/**
 * Connections to what is measured, without pipelining: each carries one request at a time. Which request is
 * sent when, is for the loads to say: `ClosedLoad` and `SteadyLoad`.
 */
export class Connections {
  readonly all: readonly Connection[];
  /** Is told of each whole answer, and may ask again on its connection. */
  onAnswer: (connection: Connection) => void = () => undefined;
  private readonly requests: readonly Buffer[];
  private readonly broken: Promise<never>;
  private fail: (error: Error) => void = () => undefined;
  private settle: () => void = () => undefined;
  private asked = 0;
  private underWay = 0;

  static async connect(question: Question, count: number): Promise<Connections> {
    const { hostname, port } = new URL(question.process.url);
    const sockets = Array.from({ length: count }, () =>
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
    return new Connections(sockets, question);
  }

  private constructor(sockets: readonly Socket[], question: Question) {
    this.requests = requestsOf(question);
    this.broken = new Promise<never>((_resolve, reject) => {
      this.fail = reject;
    });
    // Whoever waits for answers hears of it (`drained`); between two waits nobody does.
    this.broken.catch(() => undefined);
    this.all = sockets.map((socket) => this.adopt(socket, question));
  }

  /** Sends the next request on a connection that carries none. */
  ask(connection: Connection): void {
    const request = this.requests[this.asked % this.requests.length] ?? '';
    this.asked += 1;
    this.underWay += 1;
    connection.socket.write(request);
  }

  /**
   * Resolves when `work` has, and then every request has its answer.
   * @throws Error when a connection broke, an answer was not as it should be, or one is missing
   */
  async drained(work: Promise<void> = Promise.resolve()): Promise<void> {
    await Promise.race([work, this.broken]);
    if (this.underWay === 0) {
      return;
    }
    const settled = new Promise<void>((resolve) => {
      this.settle = resolve;
    });
    let answered = 0;
    // A closed load goes on asking meanwhile: what is missing is any answer at all.
    const limit = setInterval(() => {
      if (answered === this.answered) {
        this.fail(new Error(`${this.underWay} answers are missing`));
      }
      answered = this.answered;
    }, PATIENCE_MS);
    try {
      await Promise.race([settled, this.broken]);
    } finally {
      clearInterval(limit);
    }
  }

  close(): void {
    for (const { socket } of this.all) {
      socket.removeAllListeners().destroy();
    }
  }

  private get answered(): number {
    return this.asked - this.underWay;
  }

  private adopt(socket: Socket, { process, status }: Question): Connection {
    const connection = { socket, answers: new AnswerReader(status) };
    const fail = (why: string): void => {
      this.fail(new Error(`${process.name}: ${why}`));
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
    return connection;
  }

  private finish(connection: Connection): void {
    this.underWay -= 1;
    this.onAnswer(connection);
    if (this.underWay === 0) {
      this.settle();
    }
  }
}
