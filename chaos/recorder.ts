import { createWriteStream, type WriteStream } from 'node:fs';
import { now } from './now.js';
import type { RecordedEvent } from './record.js';

/** Keeps what happens in memory for the checker, and in a file for people: one JSON object a line. */
export class Recorder {
  readonly events: RecordedEvent[] = [];
  private readonly file: WriteStream;

  constructor(readonly path: string) {
    this.file = createWriteStream(path);
  }

  add(event: RecordedEvent): void {
    this.events.push(event);
    this.file.write(`${JSON.stringify(event)}\n`);
  }

  note(text: string): void {
    this.add({ kind: 'note', at: now(), text });
  }

  of<Kind extends RecordedEvent['kind']>(kind: Kind): Extract<RecordedEvent, { kind: Kind }>[] {
    return this.events.filter(
      (event): event is Extract<RecordedEvent, { kind: Kind }> => event.kind === kind,
    );
  }

  /** For the rest of the evidence, such as the simulator's journal: it goes into the file alone. */
  attach(name: string, content: unknown): void {
    this.file.write(`${JSON.stringify({ kind: 'evidence', name, content })}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.file.end(resolve);
    });
  }
}
