/** A message is a letter, its length (which counts itself) and its content; the first one has no letter. */
const LENGTH_BYTES = 4;
const SIMPLE_QUERY = 'Q'.charCodeAt(0);
const PARSE = 'P'.charCodeAt(0);
const EXECUTE = 'E'.charCodeAt(0);

/**
 * The statements in what a client of PostgreSQL sends (protocol 3.0, without TLS), one connection's:
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class StatementReader {
  private rest: Buffer = Buffer.alloc(0);
  private isStarted = false;
  private parsed = '';

  constructor(private readonly onStatement: (text: string) => void) {}

  read(chunk: Buffer): void {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    for (let size = this.sizeOf(bytes); size <= bytes.length; size = this.sizeOf(bytes)) {
      this.take(bytes.subarray(0, size));
      bytes = bytes.subarray(size);
    }
    this.rest = Buffer.from(bytes);
  }

  /** Of the message that begins here, its letter included. */
  private sizeOf(bytes: Buffer): number {
    const letter = this.isStarted ? 1 : 0;
    return bytes.length < letter + LENGTH_BYTES ? Infinity : letter + bytes.readUInt32BE(letter);
  }

  private take(message: Buffer): void {
    if (!this.isStarted) {
      this.isStarted = true;
      return;
    }
    const content = message.toString('utf8', 1 + LENGTH_BYTES);
    const letter = message[0];
    if (letter === SIMPLE_QUERY) {
      this.onStatement(content.split('\0')[0] ?? '');
    } else if (letter === PARSE) {
      // The name that the client gives the statement, empty with this driver, then its text.
      this.parsed = content.split('\0')[1] ?? '';
    } else if (letter === EXECUTE) {
      this.onStatement(this.parsed);
    }
  }
}
