import { z } from 'zod';
import { CliError, EXIT, reasonOf } from './exit.js';
import { oneLine } from './terminal-text.js';

/** Longer than the longest wait for a refresh that may be asked for. */
const ANSWER_LIMIT_MS = 75_000;
const PAGE_SIZE = 200;
/** 20,000 items: more than any service has of accounts and clients. */
const MOST_PAGES = 100;

export type Item = Readonly<Record<string, unknown>>;

export interface Page {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

type Query = Readonly<Record<string, string | number | undefined>>;

const ItemAnswer = z.record(z.string(), z.unknown());
const PageAnswer = z.object({ items: z.array(ItemAnswer), next_cursor: z.string().nullable() });
const ProblemAnswer = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).default([]),
  upstream: z.object({ errcode: z.number().nullable(), advice: z.string() }).optional(),
  error_id: z.string().optional(),
});

/** Speaks HTTP to the running service, with one key. */
export class ServiceConnection {
  /** @param base as {@link serviceAddress} makes it */
  constructor(
    private readonly base: string,
    private readonly key: string,
  ) {}

  async get(path: string, query: Query = {}): Promise<Item> {
    return this.expect(ItemAnswer, await this.send('GET', path, query));
  }

  async post(path: string, body: object = {}, query: Query = {}): Promise<Item> {
    return this.expect(ItemAnswer, await this.send('POST', path, query, body));
  }

  async patch(path: string, body: object): Promise<Item> {
    return this.expect(ItemAnswer, await this.send('PATCH', path, {}, body));
  }

  async delete(path: string): Promise<void> {
    await this.send('DELETE', path, {});
  }

  async page(path: string, query: Query): Promise<Page> {
    return this.expect(PageAnswer, await this.send('GET', path, query));
  }

  /** Every page of a list. */
  async all(path: string): Promise<Item[]> {
    const items: Item[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await this.page(path, { limit: PAGE_SIZE, cursor });
      items.push(...answer.items);
      if (answer.next_cursor === null) {
        return items;
      }
      cursor = answer.next_cursor;
    }
    throw new CliError(EXIT.refused, `${path} does not end after ${MOST_PAGES} pages.`);
  }

  /** @throws CliError when it was refused, or nobody answered */
  private async send(method: string, path: string, query: Query, body?: object): Promise<unknown> {
    const url = new URL(`${this.base}${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) {
        url.searchParams.set(name, String(value));
      }
    }
    const { status, headers, text } = await this.exchange(method, url, body);
    const content = parseJson(text);
    if (status >= 200 && status < 300) {
      return content;
    }
    const problem = ProblemAnswer.safeParse(content);
    if (!problem.success) {
      throw this.foreign(status);
    }
    throw new CliError(
      EXIT.refused,
      wordsOf(problem.data, status, headers.get('retry-after')).join('\n'),
    );
  }

  private async exchange(
    method: string,
    url: URL,
    body: object | undefined,
  ): Promise<{ status: number; headers: Headers; text: string }> {
    try {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${this.key}`,
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        // A key must not follow to another address.
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      const { status, headers } = response;
      return { status, headers, text: await response.text() };
    } catch (error) {
      throw new CliError(
        EXIT.unreachable,
        `No answer from ${this.base}: ${reasonOf(error)}. Is the service running there? WECHAT_TOKEN_CENTER_URL or --url says where it is.`,
      );
    }
  }

  private expect<Answer>(schema: z.ZodType<Answer>, content: unknown): Answer {
    const answer = schema.safeParse(content);
    if (!answer.success) {
      throw this.foreign(200);
    }
    return answer.data;
  }

  private foreign(status: number): CliError {
    return new CliError(
      EXIT.unreachable,
      `What answers at ${this.base} is no WeChat Token Center of this version (HTTP ${status}). Correct WECHAT_TOKEN_CENTER_URL or --url.`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is as good as nothing: what was expected decides what is said about it.
    return undefined;
  }
}

function wordsOf(
  problem: z.infer<typeof ProblemAnswer>,
  status: number,
  retryAfter: string | null,
): string[] {
  const { code, detail, errors, upstream, error_id: errorId } = problem;
  return [
    `The service refused (${status} ${code}): ${detail}`,
    ...errors.map(({ path, message }) => `  ${path}: ${message}`),
    ...(upstream === undefined
      ? []
      : [`  WeChat (errcode ${upstream.errcode ?? 'none'}): ${upstream.advice}`]),
    ...(retryAfter === null ? [] : [`  Try again in ${retryAfter} s.`]),
    ...(errorId === undefined ? [] : [`  The service's log names the cause under ${errorId}.`]),
  ].map(oneLine);
}
