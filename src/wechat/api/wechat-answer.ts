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

/**
 * Reads an answer whatever its Content-Type says: WeChat sends JSON as text/plain as well, and raw control characters
 * within its strings.
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
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
