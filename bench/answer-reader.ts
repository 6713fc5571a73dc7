const HEAD_END = Buffer.from('\r\n\r\n');
/** `HTTP/1.1 200` */
const STATUS = { start: 9, end: 12 };
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const WITHOUT_BODY = new Set(['204', '304']);

/** Tells where one answer ends, and whether it has the status that it should: of a connection without pipelining. */
export class AnswerReader {
  private head: Buffer = Buffer.alloc(0);
  /** Bytes of the body that are still to come; undefined before the head is whole. */
  private left: number | undefined;
  private readonly status: string;

  constructor(status: number) {
    this.status = String(status);
  }

  /** The last chunk was the end of an answer; the next one begins another. */
  get isWhole(): boolean {
    return this.left === 0;
  }

  /** @returns what is wrong with the answer */
  read(chunk: Buffer): string | undefined {
    if (this.left !== undefined && this.left > 0) {
      return this.take(chunk.length);
    }
    const isBegun = this.left === undefined && this.head.length > 0;
    const head = isBegun ? Buffer.concat([this.head, chunk]) : chunk;
    const end = head.indexOf(HEAD_END);
    if (end === -1) {
      this.head = head;
      this.left = undefined;
      return undefined;
    }
    this.head = Buffer.alloc(0);
    const text = head.toString('latin1', 0, end);
    const status = text.slice(STATUS.start, STATUS.end);
    if (status !== this.status) {
      return `answered ${status} where every answer should be ${this.status}`;
    }
    const length = WITHOUT_BODY.has(status) ? '0' : LENGTH.exec(text)?.[1];
    if (length === undefined) {
      return 'answered without Content-Length';
    }
    this.left = Number(length);
    return this.take(head.length - end - HEAD_END.length);
  }

  private take(bytes: number): string | undefined {
    this.left = (this.left ?? 0) - bytes;
    return this.left < 0 ? 'sent more than one answer to a request' : undefined;
  }
}
