import autocannon from 'autocannon';
import type { PinnedProcess } from './pinned-process.js';

export interface Question {
  readonly process: PinnedProcess;
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** One after the other, each with the path beside it; in place of `headers`. */
  readonly headersInTurn?: readonly Readonly<Record<string, string>>[];
  /** The only status that counts as an answer. */
  readonly status: number;
}

export interface Throughput {
  readonly perSecond: number;
  readonly cpuMicrosecondsEach: number;
  /** How much of its core the measured process used, 0 to 1. */
  readonly coreUse: number;
}

/** As many requests as the connections carry, each sent when the last was answered. */
export async function closedLoop(
  question: Question,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<Throughput> {
  const cpuBefore = question.process.cpuMs();
  const startedAt = performance.now();
  const result = await run(question, { duration: seconds, connections });
  const elapsedMs = performance.now() - startedAt;
  const cpuMs = question.process.cpuMs() - cpuBefore;
  const answered = result.requests.total;
  return {
    perSecond: (answered / elapsedMs) * 1_000,
    cpuMicrosecondsEach: (cpuMs / answered) * 1_000,
    coreUse: cpuMs / elapsedMs,
  };
}

/** A given number of requests, as fast as it goes. @returns how many were answered as they should */
export async function exactly(
  amount: number,
  question: Question,
  request: { method: 'GET' | 'POST'; body?: string; connections: number },
): Promise<number> {
  const result = await run(question, { amount, ...request });
  return result.requests.total;
}

type Terms = Pick<autocannon.Options, 'amount' | 'duration' | 'connections' | 'method' | 'body'>;

/** @throws Error when a single answer has another status: a benchmark of errors measures nothing */
async function run(question: Question, terms: Terms): Promise<autocannon.Result> {
  const { process, paths, headers, headersInTurn, status } = question;
  const requests =
    headersInTurn === undefined
      ? paths.map((path) => ({ path }))
      : headersInTurn.map((each, index) => ({
          path: paths[index % paths.length] ?? '/',
          headers: { ...each },
        }));
  const options = {
    url: process.url,
    headers: { ...headers },
    requests,
    timeout: 30,
    ...terms,
  };
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon(options, (error: unknown, finished) => {
      if (error instanceof Error) {
        reject(error);
      } else {
        resolve(finished);
      }
    });
  });
  const counts = Object.entries(result.statusCodeStats ?? {});
  const others = counts.filter(([code]) => code !== String(status));
  if (result.errors > 0 || others.length > 0 || counts.length === 0) {
    throw new Error(
      `${process.name}: ${JSON.stringify(result.statusCodeStats)} and ${result.errors} errors where every answer should be ${status}`,
    );
  }
  return result;
}
