import { z } from 'zod';

/** A JSON object of WeChat's. Which fields it has depends on the call. */
export type WechatAnswer = Readonly<Record<string, unknown>>;

export interface ReadAnswer {
  readonly answer: WechatAnswer;
  /** 0 where WeChat sent none: a token comes without one. */
  readonly errcode: number;
  readonly errmsg: string;
}

const answerSchema = z.record(z.string(), z.unknown());
/** Absent means success; what is there must be a number, as it is or as text. */
const errcodeSchema = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^-?\d{1,9}$/)
      .transform(Number),
  ])
  .default(0);

/** Blanks, line breaks and characters that show nothing. */
const PADDING = /[\s\p{Cc}\p{Cf}]/u;

/**
 * Reads an answer whatever its Content-Type says: WeChat sends JSON as text/plain as well, raw control characters
 * within its strings, and blanks and line breaks around them. No string of an answer keeps those at its ends.
 *
 * @returns undefined where it is no JSON object, or has an errcode that is none
 */
export function readAnswer(body: Uint8Array): ReadAnswer | undefined {
  // The decoder drops a byte order mark. Outside of strings, control characters are blanks at most.
  const text = new TextDecoder('utf-8').decode(body).replace(/\p{Cc}/gu, '');
  const answer = answerSchema.safeParse(parseJson(text));
  const errcode = errcodeSchema.safeParse(answer.data?.errcode);
  if (!answer.success || !errcode.success) {
    return undefined;
  }
  const errmsg = answer.data.errmsg;
  return {
    answer: answer.data,
    errcode: errcode.data,
    errmsg: typeof errmsg === 'string' ? errmsg : '',
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_name, value: unknown) =>
      typeof value === 'string' ? withoutPadding(value) : value,
    );
  } catch {
    return undefined;
  }
}

function withoutPadding(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && PADDING.test(text.charAt(start))) {
    start += 1;
  }
  while (end > start && PADDING.test(text.charAt(end - 1))) {
    end -= 1;
  }
  return text.slice(start, end);
}
