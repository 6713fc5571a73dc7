import { Connections } from './connections.js';
import type { Question } from './question.js';

/** As many requests as the connections carry: each asks again as soon as it was answered. */
export class ClosedLoad {
  static async connect(question: Question, connections: number): Promise<ClosedLoad> {
    return new ClosedLoad(await Connections.connect(question, connections));
  }

  private constructor(private readonly connections: Connections) {}

  /** @returns how many were answered as they should. @throws Error when one was not */
  async askFor(ms: number): Promise<number> {
    const endMs = performance.now() + ms;
    return this.askWhile(() => performance.now() < endMs);
  }

  /** @throws Error when one was not answered as it should */
  async askOften(amount: number): Promise<void> {
    await this.askWhile((asked) => asked < amount);
  }

  close(): void {
    this.connections.close();
  }

  private async askWhile(mayAsk: (asked: number) => boolean): Promise<number> {
    const { connections } = this;
    let asked = 0;
    connections.onAnswer = (connection) => {
      if (mayAsk(asked)) {
        asked += 1;
        connections.ask(connection);
      }
    };
    for (const connection of connections.all) {
      connections.onAnswer(connection);
    }
    await connections.drained();
    return asked;
  }
}
